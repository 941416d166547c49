//! A certificate authority for one test.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chatpulse_store_pg::Tls;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;

/// Signs servers' certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Issues a certificate for a server of this name.
    pub(crate) fn certificate_for(&self, host: &str) -> Files {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Files::new(&certificate.pem(), &key.serialize_pem())
    }

    /// TLS for a client that trusts only this authority.
    pub(crate) fn trusted(&self) -> Tls {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        Tls::Verified(Arc::new(client.unwrap().with_root_certificates(roots).with_no_client_auth()))
    }
}

/// A certificate and its key as files for a server.
pub(crate) struct Files(TempDir);

impl Files {
    fn new(certificate: &str, key: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        std::fs::write(files.certificate(), certificate).unwrap();
        std::fs::write(files.key(), key).unwrap();
        files
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.at("server.crt")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.at("server.key")
    }

    fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }
}
