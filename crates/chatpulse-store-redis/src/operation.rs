//! The operations on Redis by name: the labels of metrics and the words of errors.

/// One kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation {
    /// The value of the `operation` label.
    pub(crate) name: &'static str,
    /// A verb phrase for error messages: "could not …".
    pub(crate) does: &'static str,
}

macro_rules! operations {
    ($($constant:ident $name:literal $does:literal;)*) => {
        $(pub(crate) const $constant: Operation = Operation { name: $name, does: $does };)*

        /// Every value of the label `operation`.
        pub const OPERATIONS: &[&str] = &[$($name),*];
    };
}

// Dashboards and alerts use the names, so they stay although some constants say it differently.
operations! {
    CAST "cast" "cast a vote in Redis";
    PUSH "push" "move the bar in Redis";
    READ "read" "read the bars from Redis";
    RESET "reset" "reset the bar in Redis";
    INDEX "index" "update the session indices in Redis";
    ATTACH "hold" "attach to a session in Redis";
    TOUCH "touch" "extend the sessions' TTL in Redis";
    RELEASE "release" "release a session in Redis";
    FIND "find" "find a session in Redis";
    ATTACHED "held" "list the attached sessions in Redis";
    PUT_SETTINGS "put_settings" "store a session's settings in Redis";
    ACTIVITY "activity" "read a session's activity from Redis";
    ORPHANS "orphans" "find orphaned sessions in Redis";
    DELETE "delete" "delete a session in Redis";
    PUBLISH "publish" "publish a signal through Redis";
    HEARTBEAT "beat" "send a heartbeat to Redis";
    DEREGISTER "bury" "clean up after a dead instance in Redis";
    LEAD "lead" "acquire or release the leader's lease in Redis";
    SHARD "shard" "acquire or release a shard in Redis";
    PROBE "probe" "probe Redis";
    LOAD "load_functions" "load the functions into Redis";
}

/// Every value of the label `status`.
pub const STATUSES: &[&str] = &["ok", "refused", "timeout", "unreachable", "breaker_open"];
