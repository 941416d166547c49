//! The audit log: who did what, from which address, and how it ended. Its target is `audit`, so that it can be kept apart
//! from the rest of the log. It holds no secret and no overlay id.

use actix_web::HttpRequest;
use chatpulse_domain::streamer::{Streamer, TwitchProfile};
use tracing::info;

use crate::guard::origin::client_ip;
use crate::state::Web;

/// The target of the lines.
const TARGET: &str = "audit";

/// What is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Login,
    BotRole,
    Logout,
    LogoutEverywhere,
    EndLogin,
    Save,
    ResumeOrShow,
    TestVote,
    TryLine,
    Reset,
    Rotate,
    Export,
    Delete,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::BotRole => "bot_role",
            Self::Logout => "logout",
            Self::LogoutEverywhere => "logout_everywhere",
            Self::EndLogin => "end_login",
            Self::Save => "save",
            Self::ResumeOrShow => "resume_or_show",
            Self::TestVote => "test_vote",
            Self::TryLine => "try_line",
            Self::Reset => "reset",
            Self::Rotate => "rotate",
            Self::Export => "export",
            Self::Delete => "delete",
        }
    }
}

/// The account that acted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Actor<'a> {
    id: &'a str,
    login: &'a str,
}

impl Actor<'_> {
    /// Nobody is known yet.
    pub(crate) const UNKNOWN: Self = Self { id: "unknown", login: "unknown" };
}

impl<'a> From<&'a Streamer> for Actor<'a> {
    fn from(streamer: &'a Streamer) -> Self {
        Self { id: streamer.twitch_id.as_str(), login: &streamer.login }
    }
}

impl<'a> From<&'a TwitchProfile> for Actor<'a> {
    fn from(profile: &'a TwitchProfile) -> Self {
        Self { id: profile.id.as_str(), login: &profile.login }
    }
}

/// Records something that was done.
pub(crate) fn done<'a>(web: &Web, request: &HttpRequest, who: impl Into<Actor<'a>>, action: Action) {
    record(web, request, who.into(), action, "ok", "");
}

/// Records something that was refused, with the reason in one word.
pub(crate) fn refused<'a>(
    web: &Web,
    request: &HttpRequest,
    who: impl Into<Actor<'a>>,
    action: Action,
    reason: &'static str,
) {
    record(web, request, who.into(), action, "refused", reason);
}

/// Records something that failed on our side.
pub(crate) fn failed<'a>(web: &Web, request: &HttpRequest, who: impl Into<Actor<'a>>, action: Action) {
    record(web, request, who.into(), action, "failed", "unavailable");
}

fn record(
    web: &Web,
    request: &HttpRequest,
    who: Actor<'_>,
    action: Action,
    result: &'static str,
    reason: &'static str,
) {
    let address = client_ip(request.peer_addr(), request.headers(), &web.config.trusted_proxies);
    let (action, colon) = (action.as_str(), if reason.is_empty() { "" } else { ": " });
    info!(
        target: TARGET,
        action,
        result,
        reason,
        twitch.user_id = who.id,
        twitch.login = who.login,
        client.address = %address,
        "audit: {action} {result}{colon}{reason}"
    );
}
