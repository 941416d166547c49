//! Checks Twitch: credentials, the clock, how chat arrives, and the account that reads it.

use std::sync::Arc;

use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::ports::streamers::StreamerRepository;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_twitch::config::{Transport, TwitchConfig};
use chatpulse_twitch::error::TwitchError;
use chatpulse_twitch::eventsub::socket::try_connect;
use chatpulse_twitch::feed::inspect::{ChatConnection, inspect};
use chatpulse_twitch::helix::Helix;
use chatpulse_twitch::twitch_clock::TwitchClock;
use tokio::time::timeout;

use super::database::Accounts;
use super::report::Report;
use super::{ANSWER_WITHIN, with_cause};
use crate::clock::SystemClock;
use crate::settings::Settings;
use crate::wiring::twitch_config;

pub(super) async fn check(
    settings: &Settings,
    database: Option<&Accounts>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (config, clock) = (twitch_config(settings)?, TwitchClock::new(Arc::new(SystemClock)));
    // Requests a new app token, because only a token request shows whether the client secret is valid.
    let helix = Helix::new(config.clone(), clock.clone(), None)?;
    let name = "Twitch credentials";
    match timeout(ANSWER_WITHIN, helix.check_credentials()).await {
        Ok(Ok(())) => {
            report.ok(name, "Twitch accepts client id and secret");
            if let Some(Accounts { subscriptions, .. }) = database {
                check_chat(&helix, subscriptions.as_ref(), report).await;
            }
        }
        Ok(Err(TwitchError::Unreachable(_))) | Err(_) => {
            report.fail(
                name,
                "Twitch could not be reached",
                "see whether this machine may reach id.twitch.tv by https",
            );
        }
        Ok(Err(error)) => {
            report.fail(
                name,
                error.to_string(),
                "copy TWITCH_CLIENT_ID and TWITCH_CLIENT_SECRET anew from dev.twitch.tv/console",
            );
        }
    }
    if let Some(offset) = clock.offset() {
        report.clock("clock", "Twitch", offset);
    }
    if matches!(config.transport, Transport::WebSocket) {
        check_socket(&config, report).await;
    }
    Ok(())
}

/// Fails, because without the socket no chat arrives.
async fn check_socket(config: &TwitchConfig, report: &mut Report) {
    let name = "EventSub socket";
    match timeout(ANSWER_WITHIN, try_connect(config)).await {
        Ok(Ok(())) => report.ok(name, "Twitch welcomes us"),
        failed => {
            let why = failed.map_or_else(
                |_| "no answer in time".to_owned(),
                |opened| opened.map_or_else(|error| error.to_string(), |()| String::new()),
            );
            let found = format!("{} could not be opened: {why}", config.urls.eventsub);
            report.fail(
                name,
                found,
                "see whether a firewall or proxy lets this machine open WebSockets to that host, or use webhooks",
            );
        }
    }
}

/// Reports warnings, not failures: everything except chat works without it.
async fn check_chat(helix: &Helix, subscriptions: &dyn SubscriptionRepository, report: &mut Report) {
    let name = "chat connection";
    match timeout(ANSWER_WITHIN, inspect(helix, subscriptions)).await {
        Ok(Ok(ChatConnection::Enabled)) => report.ok(name, "Twitch delivers chat to our conduit"),
        Ok(Ok(ChatConnection::Missing)) => report.ok(name, "there is no conduit yet; the server makes it"),
        Ok(Ok(ChatConnection::LimitReached)) => report.warn(
            name,
            "this client id has as many conduits as Twitch allows, and none is ours",
            "delete one that nobody uses (`chatpulse conduits` lists them), or use another client id",
        ),
        Ok(Ok(ChatConnection::Disabled(status))) => {
            let status = status.as_deref().unwrap_or("never connected");
            report.warn(
                name,
                format!("Twitch does not deliver to our conduit: {status}"),
                "start the server; if it runs, its log says what is wrong",
            );
        }
        Ok(Err(error)) => report.warn(name, with_cause(&error), "check again in a minute"),
        Err(_) => report.warn(name, "Twitch did not answer", "check again in a minute"),
    }
}

pub(super) async fn check_bot(
    settings: &Settings,
    streamers: Option<&dyn StreamerRepository>,
    report: &mut Report,
) {
    let name = "bot authorisation";
    let Some(bot) = find_bot(settings, streamers).await else {
        report.warn(
            name,
            "nobody has logged in yet",
            "start the server and log in: the first streamer reads the own chat",
        );
        return;
    };
    let granted = match streamers {
        Some(streamers) => streamers.find_bot_grant(&bot).await.ok().flatten(),
        None => None,
    };
    match granted {
        Some(grant) => report.ok(name, format!("{} has agreed to read chat", grant.display_name)),
        None => {
            report.warn(
                name,
                format!("account {bot} has not agreed to read chat yet"),
                "open /auth/start?role=bot, logged in at Twitch as that account",
            );
        }
    }
}

async fn find_bot(settings: &Settings, streamers: Option<&dyn StreamerRepository>) -> Option<TwitchUserId> {
    if let Some(bot) = &settings.twitch.bot {
        return Some(bot.clone());
    }
    streamers?.first().await.ok().flatten().map(|streamer| streamer.twitch_id)
}
