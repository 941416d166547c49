//! The running server: start, URLs, stop.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, warn};

use crate::chat::line::{ChatLine, Delivered};
use crate::config::SimConfig;
use crate::crowd::{Crowd, CrowdConfig};
use crate::eventsub::socket;
use crate::helix::users;
use crate::shared::Shared;
use crate::{front_door, helix, oauth};

/// A running simulated Twitch. Clones are handles to the same one. It stops with [`Sim::stop`], or when the last handle
/// is dropped.
#[derive(Clone)]
pub struct Sim {
    pub(crate) shared: Arc<Shared>,
    stopped: CancellationToken,
    _last_one_stops: Arc<DropGuard>,
}

impl Sim {
    /// Starts the server on 127.0.0.1. It is ready when this returns.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(config: SimConfig) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).await?;
        let shared = Arc::new(Shared::new(config, listener.local_addr()?)?);
        let data: Data<Shared> = Data::from(Arc::clone(&shared));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .wrap(from_fn(front_door::pass))
                .service(web::scope("/oauth2").configure(oauth::routes))
                .service(web::scope("/helix").configure(helix::routes))
                .route("/ws", web::get().to(socket::open))
                .route("/pictures/{id}.svg", web::get().to(users::picture))
        })
        .workers(1)
        .disable_signals()
        .listen(listener.into_std()?)?
        .run();

        let stopped = CancellationToken::new();
        tokio::spawn(wind_down(Arc::clone(&shared), server.handle(), stopped.clone()));
        tokio::spawn(async move {
            if let Err(error) = server.await {
                warn!("the simulated Twitch ended: {error}");
            }
        });
        debug!("simulated Twitch listens at {}", shared.address);
        let guard = shared.stop.clone().drop_guard();
        Ok(Self { shared, stopped, _last_one_stops: Arc::new(guard) })
    }

    /// Base URL that replaces `https://id.twitch.tv/oauth2`.
    pub fn auth_url(&self) -> String {
        format!("http://{}/oauth2", self.shared.address)
    }

    /// Base URL that replaces `https://api.twitch.tv/helix`.
    pub fn api_url(&self) -> String {
        format!("http://{}/helix", self.shared.address)
    }

    /// URL that replaces `wss://eventsub.wss.twitch.tv/ws`.
    pub fn eventsub_ws_url(&self) -> String {
        format!("ws://{}/ws", self.shared.address)
    }

    /// Sends a chat message. When this returns, it is on its way to every enabled subscription; webhook responses may
    /// be pending.
    pub async fn say(&self, line: ChatLine) -> Delivered {
        self.shared.say(&line).await
    }

    /// Starts a crowd in a channel. It runs until the crowd or Twitch is stopped.
    pub fn start_crowd(&self, config: CrowdConfig) -> Crowd {
        Crowd::start(&self.shared, config)
    }

    /// Closes sockets, stops the crowd and all pending webhooks, and stops the server.
    pub async fn stop(self) {
        self.shared.stop.cancel();
        self.stopped.cancelled().await;
    }
}

/// Waits for the stop signal, then stops tasks and server in order.
async fn wind_down(shared: Arc<Shared>, server: ServerHandle, stopped: CancellationToken) {
    shared.stop.cancelled().await;
    shared.tasks.close();
    shared.tasks.wait().await;
    // All sockets are closed by now; idle connections need no graceful stop.
    server.stop(false).await;
    stopped.cancel();
}
