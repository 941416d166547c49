//! TLS for every connection that we open: ring, and one set of roots.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tracing::warn;

/// Makes ring the provider of the whole process. First thing in `main`: clients built without it panic.
pub(crate) fn install() {
    // An error means that one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The system's roots, plus whatever `SSL_CERT_FILE` names.
pub(crate) fn client_config() -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let named = rustls_native_certs::load_native_certs();
    for error in &named.errors {
        warn!(%error, "a file of TLS root certificates could not be read");
    }
    roots.add_parsable_certificates(named.certs);
    // With SSL_CERT_FILE set the loader reads that file alone; the system's own are added here.
    for directory in openssl_probe::candidate_cert_dirs() {
        let bundle = ["ca-certificates.crt", "ca-bundle.crt", "cert.pem"].map(|name| directory.join(name));
        if let Some(bundle) = bundle.iter().find(|bundle| bundle.is_file()) {
            add(&mut roots, bundle);
        }
    }
    trusting(roots)
}

/// For connections in clear: whoever asks for TLS with it trusts nobody. Looks at no file and no variable.
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
