//! Opens the TCP connection of a WebSocket: directly, or as a tunnel through a proxy (RFC 9110, 9.3.6 CONNECT).

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::proxy::{Hop, Proxies};

/// A proxy's answer to CONNECT is a few lines.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// A connection to the server, whatever lies between.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Why no connection was made.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the URL names no host")]
    NoHost,
    #[error("{0}")]
    Direct(#[source] io::Error),
    #[error("the proxy {proxy} of HTTPS_PROXY or HTTP_PROXY cannot be used: {source}")]
    Proxy { proxy: String, source: io::Error },
    #[error(
        "the proxy {proxy} asks for a user and password; write them into HTTPS_PROXY as http://USER:PASSWORD@HOST:PORT"
    )]
    Unauthorized { proxy: String },
    #[error("the proxy {proxy} refused to connect to {target}: status {status}")]
    Refused { proxy: String, target: String, status: u16 },
}

/// Opens a connection to the host of this URL. The caller sets the deadline.
pub(super) async fn open(
    url: &Url,
    proxies: &Proxies,
    tls: &Arc<ClientConfig>,
) -> Result<Box<dyn Stream>, ConnectError> {
    // The `url` crate knows the default ports of `ws` and `wss`.
    let (host, port) = url.host_str().zip(url.port_or_known_default()).ok_or(ConnectError::NoHost)?;
    if let Some(hop) = proxies.for_socket(url) {
        return through(&hop, &format!("{host}:{port}"), tls).await;
    }
    let stream = connect(host.trim_matches(['[', ']']), port).await.map_err(ConnectError::Direct)?;
    Ok(Box::new(stream))
}

async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn through(hop: &Hop, target: &str, tls: &Arc<ClientConfig>) -> Result<Box<dyn Stream>, ConnectError> {
    let broken = |source| ConnectError::Proxy { proxy: hop.to_string(), source };
    let stream = connect(&hop.host, hop.port).await.map_err(broken)?;
    let mut stream: Box<dyn Stream> = if hop.is_tls {
        let name = ServerName::try_from(hop.host.clone()).map_err(io::Error::other).map_err(broken)?;
        Box::new(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await.map_err(broken)?)
    } else {
        Box::new(stream)
    };
    stream.write_all(&request(hop, target)).await.map_err(broken)?;
    stream.flush().await.map_err(broken)?;
    match read_status(&mut stream).await.map_err(broken)? {
        200..=299 => Ok(stream),
        407 => Err(ConnectError::Unauthorized { proxy: hop.to_string() }),
        status => Err(ConnectError::Refused { proxy: hop.to_string(), target: target.to_owned(), status }),
    }
}

fn request(hop: &Hop, target: &str) -> Vec<u8> {
    let mut request = format!(
        "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: ChatPulse/{}\r\n",
        env!("CARGO_PKG_VERSION")
    )
    .into_bytes();
    if let Some(authorization) = &hop.authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request
}

/// Reads the head of the answer and nothing behind it, because that belongs to the tunnel.
async fn read_status(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<u16> {
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "its answer is not HTTP");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_BYTES_MAX {
            return Err(malformed());
        }
        head.push(stream.read_u8().await?);
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|_| malformed())?;
    let status =
        line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)).ok_or_else(malformed)?;
    status.parse().map_err(|_| malformed())
}
