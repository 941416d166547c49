//! A browser without a screen: keeps cookies and does not follow redirects by itself.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use url::Url;

use super::server::Server;

/// The response of a server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    /// Returns the header, or an empty string if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn leads_to(self, target: &str) -> Self {
        let answer = self.expect(302);
        assert_eq!(answer.location(), target);
        answer
    }

    /// Asserts a JSON error.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16) -> Self {
        let answer = self.expect(status);
        assert!(answer.header("content-type").starts_with("application/problem+json"), "{answer:?}");
        assert_eq!(answer.json()["status"], status);
        answer
    }

    /// Asserts an HTML error page.
    #[track_caller]
    pub(crate) fn expect_page(self, status: u16) -> Self {
        let answer = self.expect(status);
        assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");
        answer
    }
}

/// One browser profile with its cookies.
#[derive(Clone)]
pub(crate) struct Browser {
    http: reqwest::Client,
    base: String,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn at(server: &Server) -> Self {
        Self { http: server.http.clone(), base: server.base.clone(), cookies: BTreeMap::new() }
    }

    /// Keeps the profile and changes the server's address.
    #[must_use]
    pub(crate) fn moved_to(mut self, server: &Server) -> Self {
        (self.http, self.base) = (server.http.clone(), server.base.clone());
        self
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.http.request(method, format!("{}{path}", self.base));
        if cookies.is_empty() { request } else { request.header(COOKIE, cookies.join("; ")) }
    }

    pub(crate) async fn send(&mut self, request: RequestBuilder) -> Answer {
        let answer = Answer::of(request.send().await.unwrap()).await;
        for cookie in answer.set_cookies() {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() || attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::POST, path).form(form)).await
    }

    /// Visits a URL of another site without sending our cookies.
    pub(crate) async fn visit(&self, url: &str) -> Answer {
        Answer::of(self.http.get(url).send().await.unwrap()).await
    }

    pub(crate) async fn post_elsewhere(&self, url: &str, form: &[(String, String)]) -> Answer {
        Answer::of(self.http.post(url).form(form).send().await.unwrap()).await
    }
}

/// Returns the path and query of a URL on our server.
pub(crate) fn path_of(url: &str) -> String {
    let url = Url::parse(url).unwrap();
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// Returns a query parameter of a URL.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    Url::parse(url)
        .unwrap()
        .query_pairs()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}
