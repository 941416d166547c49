//! Connections to Twitch: through the proxies and with the root certificates that `.env` names.

use std::fs;
use std::sync::{Arc, Mutex};

use chatpulse_twitch_sim::Sim;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::support::server::{Finished, Server, Setup};
use crate::support::world::{setup_for, sim_config};
use crate::support::{SOON, eventually};

/// A proxy that notes each request's head. It leads every request to one address, or refuses.
struct Proxy {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn leading_to(target: Option<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(lead(stream, target, Arc::clone(&noted)));
            }
        });
        Self { port, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    async fn sees(&self, start: &str) -> String {
        let found = async || self.heads().into_iter().find(|head| head.starts_with(start));
        eventually(start, found).await
    }
}

async fn lead(mut stream: TcpStream, target: Option<u16>, noted: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let text = String::from_utf8(head.clone()).unwrap();
    noted.lock().unwrap().push(text.clone());
    let Some(target) = target else {
        let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
        return;
    };
    let mut server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
    if text.starts_with("CONNECT ") {
        stream.write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n").await.unwrap();
    } else {
        server.write_all(&head).await.unwrap();
    }
    let _ = copy_bidirectional(&mut stream, &mut server).await;
}

/// The minimum, with Twitch's own addresses.
fn twitch_itself() -> Setup {
    Setup::bare()
        .set("TWITCH_CLIENT_ID", "test-client")
        .set("TWITCH_CLIENT_SECRET", "test-client-secret-0123456789")
        .set("TWITCH_REDIRECT_URI", "http://localhost/auth/callback")
}

#[tokio::test]
async fn a_proxy_in_the_env_file_serves_every_connection_to_twitch() {
    let proxy = Proxy::leading_to(None).await;
    let setup = twitch_itself();
    let line = format!("HTTPS_PROXY=http://ann:p%40ss@127.0.0.1:{}\n", proxy.port);
    fs::write(setup.folder().join(".env"), line).unwrap();
    let mut server = Server::start(setup).await;
    for target in ["id.twitch.tv:443", "eventsub.wss.twitch.tv:443"] {
        let head = proxy.sees(&format!("CONNECT {target} HTTP/1.1\r\n")).await.to_ascii_lowercase();
        assert!(head.contains("proxy-authorization: basic yw5uonbac3m="), "{head}");
        assert!(head.contains(&format!("host: {target}")), "{head}");
    }
    assert!(server.log.says("refused to connect to eventsub.wss.twitch.tv:443: status 403").await);
    let log = server.log.text();
    assert!(!log.contains("p%40ss") && !log.contains("p@ss") && !log.contains("YW5u"), "{log}");
}

#[tokio::test]
async fn hosts_of_no_proxy_are_reached_directly_and_the_lower_case_names_count() {
    let proxy = Proxy::leading_to(None).await;
    let setup =
        twitch_itself().set("https_proxy", format!("127.0.0.1:{}", proxy.port)).set("HTTPS_PROXY", "");
    fs::write(setup.folder().join(".env"), "no_proxy=localhost,.wss.twitch.tv\n").unwrap();
    let mut server = Server::start(setup).await;
    proxy.sees("CONNECT id.twitch.tv:443").await;
    // No name server or no route: whatever it is, the proxy has no part in it.
    assert!(server.log.says("the EventSub socket ended").await);
    assert!(proxy.heads().iter().all(|head| !head.contains("eventsub")), "{:?}", proxy.heads());
}

#[tokio::test]
async fn chat_is_read_through_a_proxy() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let port = sim.api_url().parse::<reqwest::Url>().unwrap().port().unwrap();
    let proxy = Proxy::leading_to(Some(port)).await;
    let elsewhere = |url: String, host: &str| url.replace(&format!("127.0.0.1:{port}"), host);
    let setup = setup_for(&sim)
        .set("TWITCH_AUTH_URL", elsewhere(sim.auth_url(), "id.example"))
        .set("TWITCH_API_URL", elsewhere(sim.api_url(), "api.example"))
        .set("TWITCH_EVENTSUB_WS_URL", elsewhere(sim.eventsub_ws_url(), "eventsub.example"));
    fs::write(setup.folder().join(".env"), format!("HTTP_PROXY=http://127.0.0.1:{}/\n", proxy.port)).unwrap();
    let mut server = Server::start(setup).await;
    assert!(server.log.says("connected the EventSub socket").await);
    proxy.sees("CONNECT eventsub.example:80 ").await;
    proxy.sees("POST http://id.example/").await;
    let enabled = |sim: &Sim| {
        sim.conduits().iter().any(|conduit| conduit.shards.iter().any(|shard| shard.transport.is_some()))
    };
    assert!(sim.wait_until(SOON, enabled).await, "the socket is a shard of our conduit");
}

#[tokio::test]
async fn what_is_no_http_proxy_is_a_problem_without_its_password() {
    for (name, value) in [
        ("HTTPS_PROXY", "socks5://u:hunter2@127.0.0.1:1080"),
        ("http_proxy", "http://u:hunter2@Tr0ub4dor@127.0.0.1:3128"),
        ("ALL_PROXY", "ftp://u:hunter2@127.0.0.1"),
        ("HTTPS_PROXY", "http://u:hunter2@127.0.0.1:port"),
    ] {
        let Finished { code, stderr, .. } = Setup::minimal().set(name, value).run().await;
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(&name.to_ascii_uppercase()) && !stderr.contains("hunter2"), "{stderr}");
        assert!(!stderr.contains("Tr0ub4dor"), "{stderr}");
    }
    // Nobody uses it where the other two are set.
    let setup = Setup::minimal().set("ALL_PROXY", "socks5://127.0.0.1:1080");
    Server::start(setup.set("HTTPS_PROXY", "127.0.0.1:9").set("HTTP_PROXY", "127.0.0.1:9"))
        .await
        .stop()
        .await;
}

/// Returns a certificate authority's PEM, and a TLS server for `localhost` whose certificate it signed.
fn authority() -> (String, TlsAcceptor) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], key)
        .unwrap();
    (authority.pem(), TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn root_certificates_of_the_env_file_are_trusted_for_requests_and_for_the_socket() {
    let (pem, acceptor) = authority();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, noted) = (acceptor.clone(), Arc::clone(&noted));
            tokio::spawn(async move {
                // Fails unless the client trusts the certificate.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut start = [0; 5];
                if stream.read_exact(&mut start).await.is_ok() {
                    noted.lock().unwrap().push(String::from_utf8_lossy(&start).into_owned());
                }
            });
        }
    });
    let setup = Setup::minimal()
        .set("TWITCH_AUTH_URL", format!("https://localhost:{port}/oauth2"))
        .set("TWITCH_API_URL", format!("https://localhost:{port}/helix"))
        .set("TWITCH_EVENTSUB_WS_URL", format!("wss://localhost:{port}/ws"));
    fs::write(setup.folder().join("ca.pem"), pem).unwrap();
    fs::write(setup.folder().join(".env"), "SSL_CERT_FILE=ca.pem\n").unwrap();
    let _server = Server::start(setup.clone()).await;
    for start in ["POST ", "GET /"] {
        let found = async || seen.lock().unwrap().iter().any(|seen| seen == start).then_some(());
        eventually(start, found).await;
    }
    for (file, says) in [("missing.pem", "no such file"), (".env", "no certificate"), (".", "no file")] {
        let Finished { code, stderr, .. } = setup.clone().set("SSL_CERT_FILE", file).run().await;
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains("  SSL_CERT_FILE\n") && stderr.contains(says), "{stderr}");
    }
}
