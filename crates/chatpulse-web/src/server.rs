//! Open the port, serve, and shut down in order.

mod connection;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol as HttpProtocol};
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::App;
use actix_web::dev::{AppConfig, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::web::{Data, PathConfig, QueryConfig};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::config::HttpConfig;
use crate::error::Problem;
use crate::guard::limits::{ConnectionCounts, Limits};
use crate::guard::observe::observe;
use crate::routes;
use crate::state::{Web, WebPorts};
use connection::Connection;

const BACKLOG: i32 = 1_024;
/// Small, so that a client that stops reading is detected after about 1 MB instead of 4 MB.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// End any connection whose sent data is not acknowledged for this long (TCP user timeout).
const STUCK_FOR: Duration = Duration::from_secs(30);
/// How long to wait for a client to close after the server closed.
const LINGER: Duration = Duration::from_secs(1);
/// Keep serving for this long while `ready` answers 503, so that a load balancer sees it and sends requests
/// elsewhere.
const SAY_NOT_READY_FOR: Duration = Duration::from_millis(500);
/// Maximum time for sockets to close after shutdown asked them to reconnect.
const SOCKETS_CLOSE_WITHIN: Duration = Duration::from_secs(10);
/// How often idle addresses are removed from the rate limiters.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// An open port that serves no requests yet.
pub struct Server {
    listener: TcpListener,
    config: HttpConfig,
}

impl Server {
    /// Opens the port. Fails here if the port is in use, before anything else starts.
    pub fn bind(config: HttpConfig) -> io::Result<Self> {
        let address = config.listen;
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self { listener: socket.into(), config })
    }

    /// The address that the server listens on; port 0 is replaced by the real port.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then closes sockets, drains requests, and returns within `grace`.
    pub async fn run(self, ports: WebPorts, stop: CancellationToken, grace: Duration) -> io::Result<()> {
        let web = Data::new(Web {
            limits: Limits::new(&self.config),
            connections: Arc::new(ConnectionCounts::new(self.config.overlays)),
            config: self.config,
            ports,
            sockets: TaskTracker::new(),
            stop: stop.clone(),
            started: Instant::now(),
        });
        let app_data = web.clone();
        let draining = CancellationToken::new();
        let asked_to_drain = draining.clone();
        // This does the same as `actix_web::HttpServer`, with `Connection` between TCP and HTTP.
        let server = actix_server::Server::build()
            .disable_signals()
            .shutdown_timeout(grace.as_secs().max(1))
            .listen("http", self.listener, move || {
                let app = App::new()
                    .app_data(app_data.clone())
                    .app_data(QueryConfig::default().error_handler(|_, _| unreadable_address().into()))
                    .app_data(PathConfig::default().error_handler(|_, _| unreadable_address().into()))
                    .wrap(from_fn(observe))
                    .configure(routes::configure);
                let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
                let draining = asked_to_drain.clone();
                let http = HttpService::build()
                    .graceful_shutdown_signal(move || draining.clone().cancelled_owned())
                    // `Connection` limits the time of every head, not only of the first.
                    .client_request_timeout(Duration::ZERO)
                    .client_disconnect_timeout(LINGER)
                    .keep_alive(KEEP_ALIVE)
                    .finish(map_config(app, |()| AppConfig::default()));
                fn_service(async |io| accept(io)).and_then(http)
            })?
            .run();
        let handle = server.handle();
        tokio::pin!(server);
        let mut forget = tokio::time::interval(FORGET_EVERY);
        loop {
            tokio::select! {
                ended = &mut server => return ended,
                _ = forget.tick() => web.limits.forget_idle(),
                () = stop.cancelled() => break,
            }
        }
        let stopping = stop_in_order(&web, handle, draining, grace);
        let stopped = timeout(grace, async { tokio::join!(stopping, server).1 });
        stopped.await.unwrap_or_else(|_| {
            warn!("some requests were still under way when the time of the stop was over");
            Ok(())
        })
    }
}

/// Configures an accepted connection. Returns its stream, its protocol and the address of the client.
fn accept(io: TcpStream) -> Result<(Connection<TcpStream>, HttpProtocol, Option<SocketAddr>), DispatchError> {
    let peer = io.peer_addr().ok();
    let socket = SockRef::from(&io);
    socket.set_tcp_nodelay(true).map_err(DispatchError::Io)?;
    socket.set_tcp_user_timeout(Some(STUCK_FOR)).map_err(DispatchError::Io)?;
    Ok((Connection::new(io), HttpProtocol::Http1, peer))
}

/// Replaces the error of actix, which would repeat the malformed input.
fn unreadable_address() -> Problem {
    Problem::bad_request(
        "The address holds something that cannot be read, or twice what may stand there once.",
    )
}

/// Shuts down in order. `ready` answers 503 and new overlays are refused from the start; close sockets first, then
/// refuse new connections and finish the requests in progress.
async fn stop_in_order(web: &Web, handle: ServerHandle, draining: CancellationToken, grace: Duration) {
    web.sockets.close();
    let closing = timeout(SOCKETS_CLOSE_WITHIN.min(grace), web.sockets.wait());
    let _ = tokio::join!(closing, tokio::time::sleep(SAY_NOT_READY_FOR.min(grace / 4)));
    draining.cancel();
    handle.stop(true).await;
}
