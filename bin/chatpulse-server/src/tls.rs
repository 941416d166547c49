//! TLS for all outgoing connections: the ring provider and one set of root certificates.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tracing::warn;

/// Root certificates that are trusted besides the system's.
#[derive(Clone, Default)]
pub(crate) struct Roots(Vec<CertificateDer<'static>>);

impl Roots {
    /// Adds the certificates of a PEM file.
    pub(crate) fn add_file(&mut self, file: &Path) -> Result<(), &'static str> {
        match std::fs::metadata(file) {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => return Err("it is no file"),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err("there is no such file"),
            Err(_) => return Err("it cannot be read"),
        }
        let loaded = rustls_native_certs::load_certs_from_paths(Some(file), None);
        if loaded.certs.is_empty() {
            let is_unreadable = std::fs::File::open(file).is_err();
            return Err(if is_unreadable { "it cannot be read" } else { "it holds no certificate" });
        }
        self.0.extend(loaded.certs);
        Ok(())
    }

    /// Adds the certificates of a folder. Files that hold none are skipped.
    pub(crate) fn add_folder(&mut self, folder: &Path) {
        self.0.extend(rustls_native_certs::load_certs_from_paths(None, Some(folder)).certs);
    }
}

/// Installs ring as the process-wide provider. `main` must call it first, because clients built without it panic.
pub(crate) fn install() {
    // An error means that a provider is already installed, which is sufficient.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Returns a config with the system's root certificates and further ones.
pub(crate) fn client_config(further: &Roots) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    // The loader reads SSL_CERT_FILE from the process environment in place of the system's certificates. Then they come
    // from the bundles below, and the file itself from the settings.
    if !openssl_probe::has_ssl_cert_env_vars() {
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            warn!(%error, "a file of TLS root certificates could not be read");
        }
        roots.add_parsable_certificates(system.certs);
    }
    for directory in openssl_probe::candidate_cert_dirs() {
        let bundle = ["ca-certificates.crt", "ca-bundle.crt", "cert.pem"].map(|name| directory.join(name));
        if let Some(bundle) = bundle.iter().find(|bundle| bundle.is_file()) {
            add(&mut roots, bundle);
        }
    }
    roots.add_parsable_certificates(further.0.iter().cloned());
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
