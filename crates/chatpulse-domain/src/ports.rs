//! What ChatPulse needs from the outside, one port per file, in the domain's words.
//!
//! | port | who calls | who implements |
//! |---|---|---|
//! | [`clock::Clock`] | engine, stores, edges | telemetry-free system clock in the binary; a hand-set one in tests |
//! | [`votes::VoteStore`], [`sessions::SessionStore`] | engine, broadcast | process memory; Redis |
//! | [`signals::Signals`] | engine (publish), broadcast and caches (subscribe) | in-process; Redis pub/sub |
//! | [`streamers::StreamerRepository`], [`settings::SettingsRepository`], [`subscriptions::SubscriptionRepository`], [`login_sessions::LoginSessions`], [`login_claims::LoginClaims`], [`tokens::TokenRepository`], [`app_token::AppTokenRepository`] | engine, web, twitch | SQLite; PostgreSQL |
//! | [`chat_feed::ChatFeed`], [`twitch_login::TwitchLogin`], [`webhook_gate::WebhookGate`] | engine, web | twitch |
//! | [`chat_sink::ChatSink`], [`grant_sink::GrantSink`] | web, twitch | engine |
//! | [`cipher::TokenCipher`] | engine | twitch (`ring`) |
//! | [`leadership::Leadership`] | engine, twitch | single instance; Redis |
//! | [`shard_leases::ShardLeases`] | twitch | single instance; Redis |
//! | [`health::HealthCheck`] | web | every store |
//!
//! Each store port has a contract in the testkit that every adapter runs. "Not found" is `Ok(None)`.

pub mod app_token;
pub mod chat_feed;
pub mod chat_sink;
pub mod cipher;
pub mod clock;
pub mod error;
pub mod grant_sink;
pub mod health;
pub mod leadership;
pub mod login_claims;
pub mod login_sessions;
pub mod sessions;
pub mod settings;
pub mod shard_leases;
pub mod signals;
pub mod streamers;
pub mod subscriptions;
pub mod tokens;
pub mod twitch_login;
pub mod votes;
pub mod webhook_gate;
