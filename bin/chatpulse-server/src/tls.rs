//! TLS for all outgoing connections: the ring provider and one set of root certificates.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tracing::warn;

/// Installs ring as the process-wide provider. `main` must call it first, because clients built without it panic.
pub(crate) fn install() {
    // An error means that a provider is already installed, which is sufficient.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Returns a config with the system's root certificates and those in `SSL_CERT_FILE`.
pub(crate) fn client_config() -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let named = rustls_native_certs::load_native_certs();
    for error in &named.errors {
        warn!(%error, "a file of TLS root certificates could not be read");
    }
    roots.add_parsable_certificates(named.certs);
    // If SSL_CERT_FILE is set, the loader reads only that file; the system's certificates are added here.
    for directory in openssl_probe::candidate_cert_dirs() {
        let bundle = ["ca-certificates.crt", "ca-bundle.crt", "cert.pem"].map(|name| directory.join(name));
        if let Some(bundle) = bundle.iter().find(|bundle| bundle.is_file()) {
            add(&mut roots, bundle);
        }
    }
    trusting(roots)
}

/// Returns a config for plain connections. It has no root certificates, so a TLS handshake with it fails. Reads no file
/// and no environment variable.
pub(crate) fn without_roots() -> anyhow::Result<Arc<ClientConfig>> {
    trusting(RootCertStore::empty())
}

fn trusting(roots: RootCertStore) -> anyhow::Result<Arc<ClientConfig>> {
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn add(roots: &mut RootCertStore, bundle: &Path) {
    let loaded = rustls_native_certs::load_certs_from_paths(Some(bundle), None);
    roots.add_parsable_certificates(loaded.certs);
}
