//! Open the port, serve, and shut down in order.

mod connection;
mod sockets;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol as HttpProtocol};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::App;
use actix_web::dev::{AppConfig, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::web::{Data, PathConfig, QueryConfig, ServiceConfig};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::config::HttpConfig;
use crate::error::Problem;
use crate::guard::limits::{ConnectionCounts, Limits};
use crate::guard::observe::observe;
use crate::guard::origin::peer_ip;
use crate::guard::proxies::Proxies;
use crate::health::Health;
use crate::routes;
use crate::state::{Shared, Web, WebPorts};
use connection::Connection;
use sockets::{CLOSING_MAX, Sockets};

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
/// Connections to the port for operators: enough for many scrapers, and few among the files of the process.
const OPERATORS_CONNECTIONS_MAX: usize = 32;
/// The most that actix allows.
const WORKERS_MAX: usize = 512;
/// More connections than any worker can serve.
const PER_WORKER_MAX: usize = 1_000_000;
/// How often idle addresses are removed from the rate limiters.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// Opens a port. Fails if it is in use.
pub fn open_port(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Open ports that serve no requests yet.
pub struct Server {
    /// The settings of the operator.
    pub config: HttpConfig,
    /// The port for everybody, from [`open_port`].
    pub public: TcpListener,
    /// The port for health, metrics and version. Without it the public port has all of them; with it only health.
    pub operators: Option<TcpListener>,
}

/// How the server is told to stop, and how long it may take.
pub struct Shutdown {
    /// Cancelled as soon as a stop is asked for: ready and serving answer 503, everything else goes on.
    pub leaving: CancellationToken,
    /// Cancelled when sockets and requests shall end.
    pub stop: CancellationToken,
    /// The longest time between `stop` and the end.
    pub grace: Duration,
}

impl Server {
    /// The address that the server listens on; port 0 is replaced by the real port.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.public.local_addr()
    }

    /// The address of the port for operators, if they have one of their own.
    pub fn operators_address(&self) -> io::Result<Option<SocketAddr>> {
        self.operators.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Serves until stopped, then closes sockets, drains requests, and returns within the grace period.
    pub async fn run(self, ports: WebPorts, shutdown: Shutdown) -> io::Result<()> {
        let Shutdown { leaving, stop, grace } = shutdown;
        let web = Data::new(Web {
            limits: Limits::new(&self.config),
            connections: Arc::new(ConnectionCounts::new(self.config.overlays)),
            health: Health::new(&ports.health),
            proxies: Proxies::default(),
            config: self.config,
            ports,
            sockets: TaskTracker::new(),
            leaving,
            stop: stop.clone(),
            started: Instant::now(),
        });
        let draining = CancellationToken::new();
        let service = Service { web: web.clone(), draining: draining.clone() };
        let public = Sockets::new(web.config.sockets_max, web.config.trusted_proxies.clone());
        let (workers, per_worker) = share_among_workers(web.config.sockets_max, self.operators.is_some());
        let mut building = actix_server::Server::build()
            .disable_signals()
            .workers(workers)
            .max_concurrent_connections(per_worker)
            .shutdown_timeout(grace.as_secs().max(1));
        building = if let Some(operators) = self.operators {
            let sockets = Sockets::new(OPERATORS_CONNECTIONS_MAX, Vec::new());
            let building = service.listen(building, "operators", operators, sockets, |config| {
                routes::health(config);
                routes::operators(config);
            })?;
            service.listen(building, "http", self.public, public, routes::public)?
        } else {
            service.listen(building, "http", self.public, public, |config| {
                routes::public(config);
                routes::operators(config);
            })?
        };
        let server = building.run();
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

/// Returns the number of workers, and how many connections each may have before no more are accepted. Then new ones wait
/// until those have closed that `Sockets` has told to close.
fn share_among_workers(sockets_max: usize, has_operators: bool) -> (usize, usize) {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(WORKERS_MAX);
    let operators = if has_operators { OPERATORS_CONNECTIONS_MAX } else { 0 };
    let all = sockets_max.saturating_add(CLOSING_MAX).saturating_add(operators);
    (workers, all.div_ceil(workers).min(PER_WORKER_MAX))
}

/// What every listener serves, apart from its routes.
struct Service {
    web: Shared,
    /// Cancelled when kept-alive connections shall end.
    draining: CancellationToken,
}

impl Service {
    /// Serves these routes on a port. This does the same as `actix_web::HttpServer`, with `Connection` between TCP and
    /// HTTP.
    fn listen(
        &self,
        building: ServerBuilder,
        name: &'static str,
        port: TcpListener,
        sockets: Arc<Sockets>,
        routes: fn(&mut ServiceConfig),
    ) -> io::Result<ServerBuilder> {
        let (web, draining) = (self.web.clone(), self.draining.clone());
        building.listen(name, port, move || {
            let app = App::new()
                .app_data(web.clone())
                .app_data(QueryConfig::default().error_handler(|_, _| unreadable_address().into()))
                .app_data(PathConfig::default().error_handler(|_, _| unreadable_address().into()))
                .wrap(from_fn(observe))
                .configure(routes);
            let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
            let draining = draining.clone();
            let http = HttpService::build()
                .graceful_shutdown_signal(move || draining.clone().cancelled_owned())
                // `Connection` limits the time of every head, not only of the first.
                .client_request_timeout(Duration::ZERO)
                .client_disconnect_timeout(LINGER)
                .keep_alive(KEEP_ALIVE)
                .finish(map_config(app, |()| AppConfig::default()));
            let sockets = Arc::clone(&sockets);
            fn_service(move |io| std::future::ready(accept(io, &sockets))).and_then(http)
        })
    }
}

type Accepted = (Connection<TcpStream>, HttpProtocol, Option<SocketAddr>);

/// Counts and configures a connection. Returns its stream, its protocol and the address of the client. Fails, which
/// closes it, if there is no room for it.
fn accept(io: TcpStream, sockets: &Arc<Sockets>) -> Result<Accepted, DispatchError> {
    let peer = io.peer_addr().ok();
    let place = sockets
        .enter(peer_ip(peer))
        .ok_or_else(|| DispatchError::Io(io::ErrorKind::ConnectionRefused.into()))?;
    let socket = SockRef::from(&io);
    socket.set_tcp_nodelay(true).map_err(DispatchError::Io)?;
    socket.set_tcp_user_timeout(Some(STUCK_FOR)).map_err(DispatchError::Io)?;
    Ok((Connection::new(io, place), HttpProtocol::Http1, peer))
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
