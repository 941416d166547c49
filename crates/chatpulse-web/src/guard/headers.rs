//! Security headers of every response.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

const FIXED: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    (
        "permissions-policy",
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-write=(self)",
    ),
    ("cross-origin-opener-policy", "same-origin"),
];

/// Sets the headers that are not set yet. `base` is our public URL, for the WebSocket of the overlay.
pub(crate) fn secure(headers: &mut HeaderMap, path: &str, base: &str, production: bool) {
    for (name, value) in FIXED {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&content_policy(path, base)) {
        headers.insert(HeaderName::from_static("content-security-policy"), policy);
    }
    if production {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(HeaderName::from_static("strict-transport-security"), year);
    }
}

/// Allows our own origin only and nothing inline. Only the overlay may be framed, and only by our own dashboard. The
/// policy names the WebSocket URL, because `'self'` does not cover `ws:` in older browsers.
fn content_policy(path: &str, base: &str) -> String {
    let host = base.split_once("://").map_or(base, |(_, host)| host);
    let host = host.split('/').next().unwrap_or(host);
    let ancestors = if path.starts_with("/overlay/") { "'self'" } else { "'none'" };
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self' ws://{host} wss://{host}; frame-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors {ancestors}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_overlay_may_be_framed() {
        assert!(content_policy("/overlay/x", "http://h:1").ends_with("frame-ancestors 'self'"));
        assert!(content_policy("/dashboard", "http://h:1").ends_with("frame-ancestors 'none'"));
        assert!(!content_policy("/dashboard", "http://h:1").contains("unsafe"));
    }
}
