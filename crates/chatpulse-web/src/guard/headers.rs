//! Security headers of every response.

use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};

const FIXED: [(&str, &str); 3] = [
    ("x-content-type-options", "nosniff"),
    (
        "permissions-policy",
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-write=(self)",
    ),
    ("cross-origin-opener-policy", "same-origin"),
];

/// Answers below these paths are for one person, and for this moment.
const NOT_STORED: [&str; 3] = ["/dashboard", "/api", "/auth"];

/// Sets the headers that are not set yet. `base` is our public URL, for the WebSocket of the overlay.
pub(crate) fn secure(headers: &mut HeaderMap, path: &str, base: &str, production: bool) {
    for (name, value) in FIXED {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let referrer = HeaderValue::from_static(referrer_policy(path));
    headers.insert(HeaderName::from_static("referrer-policy"), referrer);
    if NOT_STORED.iter().any(|prefix| path.starts_with(prefix)) && !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let host = base.split_once("://").map_or(base, |(_, host)| host);
    let policy = content_policy(is_overlay(path), host.split('/').next());
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(HeaderName::from_static("content-security-policy"), policy);
    }
    if production {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(HeaderName::from_static("strict-transport-security"), year);
    }
}

/// The address of an overlay is a secret, and that of a callback holds a code. All other pages may have a form, and without
/// a referrer browsers would send its `Origin` as `null`.
fn referrer_policy(path: &str) -> &'static str {
    let is_secret =
        is_overlay(path) || ["/ws/", "/auth/callback"].iter().any(|prefix| path.starts_with(prefix));
    if is_secret { "no-referrer" } else { "same-origin" }
}

/// Returns true if OBS shows what this path answers, and the dashboard frames it.
fn is_overlay(path: &str) -> bool {
    path.starts_with("/overlay/")
}

/// Allows our own origin only and nothing inline. Only the overlay may be framed, and only by our own dashboard. OBS
/// adds a streamer's Custom CSS to the overlay as a style element, so inline styles are allowed there; a nonce or hash
/// beside `'unsafe-inline'` would cancel it. The policy names the WebSocket URL by our `host`, because `'self'` does
/// not cover `ws:` in older browsers.
pub(crate) fn content_policy(is_overlay: bool, host: Option<&str>) -> String {
    let (styles, ancestors) = if is_overlay { (" 'unsafe-inline'", "'self'") } else { ("", "'none'") };
    let sockets = host.map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' data:; \
         connect-src 'self'{sockets}; frame-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors {ancestors}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_overlay_may_be_framed_and_styled() {
        let policy = |path| content_policy(is_overlay(path), Some("h:1"));
        for overlay in ["/overlay/", "/overlay/x", "/overlay/x/y"] {
            let policy = policy(overlay);
            assert!(policy.ends_with("frame-ancestors 'self'"), "{policy}");
            assert!(policy.contains("; style-src 'self' 'unsafe-inline'; "), "{policy}");
            assert_eq!(policy.matches("unsafe").count(), 1, "{policy}");
        }
        for other in ["/dashboard", "/overlay", "/overlays/x", "/assets/overlay/", "/ws/overlay/x"] {
            let policy = policy(other);
            assert!(policy.ends_with("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        }
        assert!(policy("/").contains("connect-src 'self' ws://h:1 wss://h:1;"));
        assert!(content_policy(true, None).contains("connect-src 'self';"));
    }
}
