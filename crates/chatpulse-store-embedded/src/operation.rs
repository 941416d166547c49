//! The operations on SQLite by name: the labels of metrics and the words of errors.

/// One kind of call to SQLite.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    /// The value of the `query` label.
    pub(crate) name: &'static str,
    /// A verb phrase for error messages: "could not …".
    pub(crate) does: &'static str,
}

macro_rules! operations {
    ($($constant:ident $name:literal $does:literal;)*) => {
        $(pub(crate) const $constant: Operation = Operation { name: $name, does: $does };)*

        /// Every value of the `query` label of `db_query_duration_seconds` and `db_errors_total`, so that telemetry can
        /// start them at zero. The same as those of the PostgreSQL store.
        pub const QUERIES: &[&str] = &[$($name),*];
    };
}

// Dashboards and alerts use the names, so they stay although some constants say it differently.
operations! {
    CHECK_HEALTH "health.check" "read from SQLite";
    STREAMERS_SIGN_IN "streamers.sign_in" "sign a streamer in to SQLite";
    STREAMERS_FIND "streamers.find" "find a streamer in SQLite";
    STREAMERS_FIND_BY_OVERLAY "streamers.find_by_overlay" "find an overlay's streamer in SQLite";
    STREAMERS_FIND_BY_TWITCH_ID "streamers.find_by_twitch_id" "find a Twitch user's account in SQLite";
    STREAMERS_FIRST "streamers.first" "find the first streamer in SQLite";
    STREAMERS_ROTATE_OVERLAY "streamers.rotate_overlay" "rotate an overlay's address in SQLite";
    STREAMERS_DELETE "streamers.delete" "delete an account in SQLite";
    STREAMERS_RECORD_BOT_GRANT "streamers.note_bot_grant" "record the bot's consent in SQLite";
    STREAMERS_FIND_BOT_GRANT "streamers.find_bot_grant" "find the bot's consent in SQLite";
    SETTINGS_FIND "settings.find" "find settings in SQLite";
    SETTINGS_SEEDS "settings.seeds" "read session seeds from SQLite";
    SETTINGS_SAVE "settings.save" "save settings in SQLite";
    SETTINGS_CHANGE_PAUSE "settings.change_pause" "pause or hide an overlay in SQLite";
    LOGIN_SESSIONS_BEGIN "login_sessions.begin" "store a login in SQLite";
    LOGIN_SESSIONS_FIND "login_sessions.find" "find a login in SQLite";
    LOGIN_SESSIONS_END "login_sessions.end" "end a login in SQLite";
    LOGIN_SESSIONS_END_ALL "login_sessions.end_all" "end all of a streamer's logins in SQLite";
    LOGIN_SESSIONS_DELETE_EXPIRED "login_sessions.sweep" "delete expired logins from SQLite";
    LOGIN_SESSIONS_ALL_OF "login_sessions.all_of" "list a streamer's logins in SQLite";
    LOGIN_SESSIONS_STREAMERS "login_sessions.streamers" "list who is logged in in SQLite";
    LOGIN_SESSIONS_SPEND_STATE "login_sessions.spend_state" "spend the state of a login in SQLite";
    LOGIN_SESSIONS_FIND_SPENT_STATE "login_sessions.find_spent_state" "find a spent state in SQLite";
    LOGIN_CLAIMS_CLAIM "login_claims.claim" "claim a name in SQLite";
    LOGIN_CLAIMS_ALL "login_claims.all" "read the claims from SQLite";
    TOKENS_ALL "tokens.all" "read all tokens from SQLite";
    TOKENS_OF_USER "tokens.of_user" "find a user's tokens in SQLite";
    TOKENS_UNCHECKED_SINCE "tokens.unchecked_since" "find unchecked tokens in SQLite";
    TOKENS_RENEW "tokens.renew" "renew a user's tokens in SQLite";
    TOKENS_RENEW_BOT "tokens.renew_bot" "renew the bot's tokens in SQLite";
    TOKENS_DELETE_BOT "tokens.forget_bot" "delete the bot's tokens in SQLite";
    TOKENS_DELETE "tokens.forget" "delete a user's tokens in SQLite";
    TOKENS_END_GRANT "tokens.end_grant" "end a user's grant in SQLite";
    APP_TOKEN_FIND "app_token.find" "find the application's token in SQLite";
    APP_TOKEN_INSERT "app_token.insert" "store the application's token in SQLite";
    APP_TOKEN_REPLACE "app_token.replace" "replace the application's token in SQLite";
    SUBSCRIPTIONS_CONDUIT "subscriptions.conduit" "find the conduit in SQLite";
    SUBSCRIPTIONS_INSERT_CONDUIT "subscriptions.insert_conduit" "record the conduit in SQLite";
    SUBSCRIPTIONS_REPLACE_CONDUIT "subscriptions.replace_conduit" "replace the conduit in SQLite";
    SUBSCRIPTIONS_ALL "subscriptions.all" "read all subscriptions from SQLite";
    SUBSCRIPTIONS_FIND "subscriptions.find" "find a subscription in SQLite";
    SUBSCRIPTIONS_PUT "subscriptions.put" "record a subscription in SQLite";
    SUBSCRIPTIONS_DELETE "subscriptions.delete" "delete a subscription in SQLite";
}
