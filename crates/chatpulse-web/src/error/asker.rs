//! Decide the form of an error response by the path and the client.

use actix_web::http::header;

use super::PROBLEM_JSON;

/// The properties of a request that determine the form of an error.
pub(crate) struct Asker {
    pub(super) form: Form,
    pub(crate) request_id: String,
}

/// The form of an error response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `application/problem+json`, for programs.
    Json,
    /// A page of the product, for people.
    Page,
    /// A small transparent page that retries by itself, for a browser source on stream.
    Overlay,
}

impl Asker {
    pub(crate) fn of(path: &str, headers: &header::HeaderMap, request_id: String) -> Self {
        const FOR_PROGRAMS: [&str; 6] = ["/api/", "/ws/", "/webhooks/", "/health/", "/metrics", "/version"];
        let for_programs = path == "/api" || FOR_PROGRAMS.iter().any(|prefix| path.starts_with(prefix));
        let form = if for_programs || accepts_json(headers) {
            Form::Json
        } else if is_on_stream(path) {
            Form::Overlay
        } else {
            Form::Page
        };
        Self { form, request_id }
    }
}

/// Returns true if a browser source may show what this path answers. `/overlay` itself is a URL that was cut off.
pub(crate) fn is_on_stream(path: &str) -> bool {
    path == "/overlay" || path.starts_with("/overlay/")
}

/// Returns true if the client accepts JSON and prefers it to HTML.
pub(crate) fn accepts_json(headers: &header::HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let accept = accept.to_ascii_lowercase();
    let liking = |kinds: &[&str]| {
        let liked = accept.split(',').filter_map(|range| {
            let (kind, parameters) = range.split_once(';').unwrap_or((range, ""));
            let quality = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
            let quality = quality.map_or(Ok(1.0), |quality| quality.trim().parse::<f32>());
            kinds.contains(&kind.trim()).then(|| quality.unwrap_or(0.0))
        });
        liked.fold(0.0, f32::max)
    };
    liking(&["application/json", PROBLEM_JSON]) > liking(&["text/html"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept: &'static str) -> header::HeaderMap {
        let mut headers = header::HeaderMap::new();
        headers.insert(header::ACCEPT, header::HeaderValue::from_static(accept));
        headers
    }

    #[test]
    fn json_is_for_those_who_like_it_better_than_a_page() {
        for json in [
            "application/json",
            "Application/JSON",
            "application/problem+json",
            "application/json;q=0.9, text/html;q=0.1",
            "text/plain, application/json; charset=utf-8",
        ] {
            assert!(accepts_json(&headers(json)), "{json}");
        }
        for page in
            ["", "*/*", "text/html", "text/html,application/json", "application/json;q=0", "application/xml"]
        {
            assert!(!accepts_json(&headers(page)), "{page}");
        }
    }

    #[test]
    fn the_path_decides_the_form_unless_the_client_prefers_json() {
        let form = |path, accept| Asker::of(path, &headers(accept), String::new()).form;
        for path in ["/overlay/", "/overlay/x", "/overlay/x/y", "/overlay"] {
            assert_eq!(form(path, "text/html"), Form::Overlay, "{path}");
            assert_eq!(form(path, "application/json"), Form::Json, "{path}");
        }
        for path in ["/overlays", "/dashboard", "/", "/overlayx/"] {
            assert_eq!(form(path, "*/*"), Form::Page, "{path}");
        }
        assert_eq!(form("/ws/overlay/x", "text/html"), Form::Json);
    }
}
