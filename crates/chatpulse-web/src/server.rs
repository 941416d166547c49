//! Opening the port, serving, and stopping in the right order.

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
/// Small, so that a client that does not read is noticed after about a megabyte instead of four.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// What was sent and not taken for so long is not waited for any more: the connection ends, whatever it was for.
const STUCK_FOR: Duration = Duration::from_secs(30);
/// After our close a client has this long to close too.
const LINGER: Duration = Duration::from_secs(1);
/// While `ready` says 503 we still answer, so that a load balancer hears it and looks elsewhere.
const SAY_NOT_READY_FOR: Duration = Duration::from_millis(500);
/// Sockets are told to come back, then have this long to hear it.
const SOCKETS_CLOSE_WITHIN: Duration = Duration::from_secs(10);
/// Addresses that have been quiet are forgotten this often.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// A port that is open and serves nobody yet.
pub struct Server {
    listener: TcpListener,
    config: HttpConfig,
}

impl Server {
    /// Opens the port. A taken one fails here, before anything else has begun.
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

    /// Where it listens; port 0 has become a real one.
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
        // What `actix_web::HttpServer` does, but for the stream in the middle.
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
                    // `Connection` sees to the head of every request, not only of the first.
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

/// A client that was let in: the stream that HTTP is served on, and where it comes from.
fn accept(io: TcpStream) -> Result<(Connection<TcpStream>, HttpProtocol, Option<SocketAddr>), DispatchError> {
    let peer = io.peer_addr().ok();
    let socket = SockRef::from(&io);
    socket.set_tcp_nodelay(true).map_err(DispatchError::Io)?;
    socket.set_tcp_user_timeout(Some(STUCK_FOR)).map_err(DispatchError::Io)?;
    Ok((Connection::new(io), HttpProtocol::Http1, peer))
}

/// actix would show what it could not read; nobody needs to see that.
fn unreadable_address() -> Problem {
    Problem::bad_request(
        "The address holds something that cannot be read, or twice what may stand there once.",
    )
}

/// `ready` says 503 from the first moment and no new overlay is let in; sockets first, then no new connections,
/// and whatever requests are under way.
async fn stop_in_order(web: &Web, handle: ServerHandle, draining: CancellationToken, grace: Duration) {
    web.sockets.close();
    let closing = timeout(SOCKETS_CLOSE_WITHIN.min(grace), web.sockets.wait());
    let _ = tokio::join!(closing, tokio::time::sleep(SAY_NOT_READY_FOR.min(grace / 4)));
    draining.cancel();
    handle.stop(true).await;
}
