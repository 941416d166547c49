//! Refuse requests that come by another site: to a foreign host name (DNS rebinding), or a `POST` from a foreign page.

use actix_web::HttpRequest;
use actix_web::http::{Method, StatusCode, header};
use url::{Origin, Url};

use crate::config::HttpConfig;
use crate::error::Problem;
use crate::guard::origin::{host_name, request_base, requested_authority};

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// What other programs call, whatever the host is called.
const ANY_HOST: [&str; 2] = ["/webhooks/", "/health/"];

/// What other programs post to, which carry no cookie.
const ANY_SITE: [&str; 3] = ["/webhooks", "/api/v1", "/hook"];

/// Checks the host name that the request is for. A page of another site can make its own name point to this machine; then
/// the browser takes our pages for that site's.
pub(crate) fn refuse_foreign_host(request: &HttpRequest, path: &str, config: &HttpConfig) -> Option<Problem> {
    let ours = config.hosts.as_ref()?;
    let authority = requested_authority(request, config)?;
    if ANY_HOST.iter().any(|prefix| path.starts_with(prefix)) {
        return None;
    }
    let is_ours = host_name(authority).is_some_and(|name| is_loopback(&name) || ours.contains(&name));
    (!is_ours).then(|| {
        Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "This server has another name",
            "ChatPulse listens on this machine only, and the address names another host.",
            "Open it as localhost. If a proxy forwards to it, set PUBLIC_URL to the address that browsers use.",
        )
    })
}

fn is_loopback(name: &str) -> bool {
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    match address {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}

/// Checks that a state-changing request came from one of our own pages, where the browser says where it came from.
pub(crate) fn refuse_foreign_page(request: &HttpRequest, path: &str, config: &HttpConfig) -> Option<Problem> {
    let reads_only = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    let is_for_programs = ANY_SITE
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    if reads_only || is_for_programs || came_from_us(request, config) {
        return None;
    }
    Some(
        Problem::forbidden(
            "The request came from a page of another site.",
            "Open the dashboard and do it there.",
        )
        .with_action(&("To the dashboard", "/dashboard")),
    )
}

fn came_from_us(request: &HttpRequest, config: &HttpConfig) -> bool {
    let headers = request.headers();
    if headers.contains_key(SEC_FETCH_SITE) {
        return headers
            .get_all(SEC_FETCH_SITE)
            .all(|site| [b"same-origin".as_slice(), b"none"].contains(&site.as_bytes()));
    }
    let own = Url::parse(&request_base(request, config)).ok();
    let ours: Vec<Origin> = own.iter().chain(&config.public_url).map(Url::origin).collect();
    headers.get_all(header::ORIGIN).all(|origin| {
        let origin = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
        origin.is_some_and(|origin| ours.contains(&origin.origin()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_told_from_those_that_look_like_it() {
        for ours in ["localhost", "app.localhost", "127.0.0.1", "127.3.2.1", "[::1]", "[::ffff:7f00:1]"] {
            assert!(is_loopback(&host_name(ours).unwrap()), "{ours}");
        }
        for other in [
            "localhost.example",
            "127.0.0.1.example",
            "0.0.0.0",
            "192.168.1.2",
            "[::2]",
            "xlocalhost",
            "example",
        ] {
            assert!(!is_loopback(&host_name(other).unwrap()), "{other}");
        }
    }
}
