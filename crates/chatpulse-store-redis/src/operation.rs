//! What is asked of Redis, by name: one small set for metrics and messages.

/// One kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation {
    /// Its label in metrics.
    pub(crate) name: &'static str,
    /// What it does, as a verb phrase for "could not …".
    pub(crate) does: &'static str,
}

macro_rules! operations {
    ($($constant:ident $name:literal $does:literal;)*) => {
        $(pub(crate) const $constant: Operation = Operation { name: $name, does: $does };)*

        /// Every value of the label `operation`.
        pub const OPERATIONS: &[&str] = &[$($name),*];
    };
}

operations! {
    CAST "cast" "cast a vote in Redis";
    PUSH "push" "move the bar in Redis";
    READ "read" "read the bars from Redis";
    RESET "reset" "reset the bar in Redis";
    INDEX "index" "note in Redis where a session is";
    HOLD "hold" "hold a session in Redis";
    TOUCH "touch" "keep sessions alive in Redis";
    RELEASE "release" "release a session in Redis";
    FIND "find" "find a session in Redis";
    HELD "held" "list the sessions in Redis";
    PUT_SETTINGS "put_settings" "put settings into a session in Redis";
    ACTIVITY "activity" "read a session's activity from Redis";
    ORPHANS "orphans" "look for orphaned sessions in Redis";
    DELETE "delete" "delete a session in Redis";
    PUBLISH "publish" "publish a signal through Redis";
    BEAT "beat" "tell Redis that this instance lives";
    BURY "bury" "clear up after a dead instance in Redis";
    LEAD "lead" "ask Redis who leads";
    SHARD "shard" "hold a shard in Redis";
    PROBE "probe" "get a sign of life from Redis";
    LOAD "load_functions" "load the functions into Redis";
}

/// Every value of the label `status`.
pub const STATUSES: &[&str] = &["ok", "refused", "timeout", "unreachable", "breaker_open"];
