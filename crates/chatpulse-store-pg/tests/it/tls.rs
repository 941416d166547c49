//! TLS: encrypted and verified, or refused.

use std::net::{IpAddr, Ipv4Addr};

use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_store_pg::{OpenError, PgConfig, PgPool, Tls};
use chatpulse_testkit::servers::postgres::PostgresServer;
use tokio_postgres::Config;

use crate::certificates::Authority;
use crate::support::{config, refused};

/// A configuration that reaches the server under this host name.
fn named(server: &PostgresServer, host: &str, tls: Tls) -> PgConfig {
    let by_address = config(&server.url("postgres"));
    let known = &by_address.connection;
    let mut connection = Config::new();
    connection.host(host).hostaddr(IpAddr::V4(Ipv4Addr::LOCALHOST)).port(server.port());
    connection.user(known.get_user().unwrap()).password(known.get_password().unwrap()).dbname("postgres");
    PgConfig { connection, tls, ..by_address }
}

#[tokio::test]
async fn only_the_certified_host_of_a_trusted_authority_is_accepted() {
    let authority = Authority::new();
    let files = authority.certificate_for("db.test");
    let server = PostgresServer::start_with_tls(&files.certificate(), &files.key());

    let pool = PgPool::connect(named(&server, "db.test", authority.trusted())).await.unwrap();
    pool.migrate().await.unwrap();
    pool.check().await.unwrap();

    let wrong_host = refused(named(&server, "other.test", authority.trusted())).await;
    assert!(matches!(wrong_host, OpenError::NotTrusted { .. }), "{wrong_host:?}");
    assert!(wrong_host.to_string().contains("not trusted for that host"), "{wrong_host}");

    let stranger = refused(named(&server, "db.test", Authority::new().trusted())).await;
    assert!(matches!(stranger, OpenError::NotTrusted { .. }), "{stranger:?}");
    assert!(stranger.to_string().contains("SSL_CERT_FILE"), "{stranger}");

    let plain = refused(named(&server, "db.test", Tls::Disabled)).await;
    assert!(matches!(plain, OpenError::WantsTls { .. }), "{plain:?}");
    assert!(plain.to_string().contains("sslmode=require"), "{plain}");
}

/// A server, or an attacker in between, that claims to have no TLS gets no password.
#[tokio::test]
async fn a_server_without_tls_is_refused_when_tls_is_required() {
    let server = PostgresServer::start();
    let error = refused(named(&server, "db.test", Authority::new().trusted())).await;
    assert!(matches!(error, OpenError::NoTls { .. }), "{error:?}");
    assert!(error.to_string().contains("offers no TLS"), "{error}");
}
