//! `rediss://`: chain and host name are checked against the roots that were given, and no others.

use std::sync::Arc;

use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_domain::secret::Secret;
use chatpulse_store_redis::{ConnectError, Redis, RedisConfig, RedisSignals};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::servers::redis::RedisServer;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ClientConfig, RootCertStore};

/// An authority, and a server's certificate by it.
struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { root, folder: tempfile::tempdir().unwrap() }
    }

    /// A server with a certificate for this name.
    fn server(&self, name: &str) -> RedisServer {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.root).unwrap();
        let files = [self.folder.path().join("server.crt"), self.folder.path().join("server.key")];
        std::fs::write(&files[0], certificate.pem()).unwrap();
        std::fs::write(&files[1], key.serialize_pem()).unwrap();
        RedisServer::start_with_tls(&files[0], &files[1])
    }

    fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    }
}

fn config(url: &str, tls: Option<Arc<ClientConfig>>) -> RedisConfig {
    RedisConfig { tls, ..RedisConfig::new(Secret::new(url)) }
}

#[tokio::test]
async fn a_server_that_our_authority_vouches_for_is_trusted() {
    let authority = Authority::new();
    let server = authority.server("localhost");
    let redis = Redis::connect(&config(server.url(), Some(authority.client()))).await.unwrap();
    redis.check().await.unwrap();
    let tick = std::time::Duration::from_millis(50);
    RedisSignals::connect(&redis, build::instance("a"), tick).await.unwrap();
}

#[tokio::test]
async fn another_authority_or_another_name_is_not() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = authority.server("localhost");
    let connected = Redis::connect(&config(server.url(), Some(stranger.client()))).await;
    assert!(matches!(connected, Err(ConnectError::Unreachable(_))));
    let server = authority.server("elsewhere.example");
    let connected = Redis::connect(&config(server.url(), Some(authority.client()))).await;
    assert!(matches!(connected, Err(ConnectError::Unreachable(_))));
    let connected = Redis::connect(&config(server.url(), None)).await;
    assert!(matches!(connected, Err(ConnectError::NoTls)));
}
