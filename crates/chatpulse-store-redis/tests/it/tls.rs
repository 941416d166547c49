//! `rediss://`: chain and host name are verified against the configured roots.

use std::path::PathBuf;
use std::sync::Arc;

use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::secret::Secret;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::vote::VoteOutcome;
use chatpulse_store_redis::{ConnectError, FencingTokens, Redis, RedisConfig, RedisLive, RedisSignals};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::servers::redis::{RedisCluster, RedisServer};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{ClientConfig, RootCertStore};

/// A certificate authority, and the files of the certificates that it issues.
struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority of this test");
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { root, folder: tempfile::tempdir().unwrap() }
    }

    /// Starts a server with a certificate for this name.
    fn server(&self, name: &str) -> RedisServer {
        let [certificate, key] = self.certificate(name);
        RedisServer::start_with_tls(&certificate, &key)
    }

    /// Issues certificate and key for this name, and writes the authority's certificate beside them.
    fn certificate(&self, name: &str) -> [PathBuf; 2] {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.root).unwrap();
        let files = [self.folder.path().join("server.crt"), self.folder.path().join("server.key")];
        std::fs::write(&files[0], certificate.pem()).unwrap();
        std::fs::write(&files[1], key.serialize_pem()).unwrap();
        std::fs::write(self.folder.path().join("authority.crt"), self.root.pem()).unwrap();
        files
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
async fn a_server_with_a_certificate_of_a_trusted_authority_is_accepted() {
    let authority = Authority::new();
    let server = authority.server("localhost");
    let redis = Redis::connect(&config(server.url(), Some(authority.client()))).await.unwrap();
    redis.check().await.unwrap();
    let tick = std::time::Duration::from_millis(50);
    RedisSignals::connect(&redis, build::instance("a"), tick).await.unwrap();
}

#[tokio::test]
async fn every_node_of_a_cluster_is_reached_with_tls() {
    let authority = Authority::new();
    let [certificate, key] = authority.certificate("127.0.0.1");
    let cluster = RedisCluster::start_with_tls(&certificate, &key);
    let redis = Redis::connect(&config(&cluster.url(), Some(authority.client()))).await.unwrap();
    redis.check().await.unwrap();
    let live = RedisLive::new(redis, None, FencingTokens::default());
    // On whichever node each session is.
    for _ in 0..12 {
        let seed = SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
        live.attach(&seed, &build::instance("a"), 1).await.unwrap();
        let cast = live.cast(&build::vote(seed.overlay, Side::For)).await.unwrap();
        assert!(matches!(cast, VoteOutcome::Applied(_)));
    }
    let stranger = config(&cluster.url(), Some(Authority::new().client()));
    assert!(matches!(Redis::connect(&stranger).await, Err(ConnectError::Unreachable(_))));
}

#[tokio::test]
async fn another_authority_or_another_host_name_is_refused() {
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
