//! What libraries usually read themselves: root certificates and proxies of outgoing connections. They count the same
//! from `.env` as from the process environment, and for every connection.

use std::path::Path;
use std::sync::Arc;

use chatpulse_twitch::proxy::{Proxies, ProxyUrl};

use super::found::Found;
use super::reader::Reader;
use super::server_url::ServerUrl;
use crate::tls::Roots;

/// Root certificates and proxies.
#[derive(Clone, Default)]
pub(crate) struct OutgoingSettings {
    /// Trusted besides the system's.
    pub(crate) roots: Arc<Roots>,
    pub(crate) proxies: Proxies,
}

impl OutgoingSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let roots = read_roots(reader);
        let https = read_proxy(reader, "HTTPS_PROXY", &["HTTPS_PROXY", "https_proxy"]);
        let http = read_proxy(reader, "HTTP_PROXY", &["HTTP_PROXY", "http_proxy"]);
        let (https, http) = (https?, http?);
        // Read only where it is used, because a desktop often sets it for other programs.
        let all = if https.is_none() || http.is_none() {
            read_proxy(reader, "ALL_PROXY", &["ALL_PROXY", "all_proxy"])?
        } else {
            None
        };
        let no_proxy = reader.first_text("NO_PROXY", &["NO_PROXY", "no_proxy"]).unwrap_or_default();
        let proxies = Proxies::new(https.or_else(|| all.clone()), http.or(all), no_proxy);
        Some(Self { roots: Arc::new(roots?), proxies })
    }

    /// Reads the root certificates only, for `migrate`.
    pub(super) fn read_roots(reader: &mut Reader<'_>) -> Option<Arc<Roots>> {
        read_roots(reader).map(Arc::new)
    }
}

/// Reads the file now, so that a wrong name is a problem and not a failed connection.
fn read_roots(reader: &mut Reader<'_>) -> Option<Roots> {
    let mut roots = Roots::default();
    if let Some(file) = reader.text("SSL_CERT_FILE") {
        let expected = "a readable file of certificates in PEM format";
        reader.checked("SSL_CERT_FILE", file, expected, |file| roots.add_file(Path::new(file)))?;
    }
    if let Some(folders) = reader.text("SSL_CERT_DIR") {
        for folder in std::env::split_paths(folders).filter(|folder| folder.is_dir()) {
            roots.add_folder(&folder);
        }
    }
    Some(roots)
}

#[expect(clippy::option_option, reason = "wrong, not set, and set are three things")]
fn read_proxy(reader: &mut Reader<'_>, name: &'static str, names: &[&str]) -> Option<Option<ProxyUrl>> {
    const EXPECTED: &str = "an HTTP proxy as http://USER:PASSWORD@HOST:PORT";
    let Some(text) = reader.first_text(name, names) else { return Some(None) };
    reader.checked(name, text, EXPECTED, proxy).map(Some)
}

fn proxy(text: &str) -> Result<ProxyUrl, Found> {
    let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let parts = ServerUrl::split(&text)?;
    if parts.scheme.starts_with("socks") {
        return Err("it is a SOCKS proxy, and ChatPulse uses HTTP proxies only".into());
    }
    ProxyUrl::parse(&text).map_err(|_| "it is not the URL of an HTTP proxy".into())
}
