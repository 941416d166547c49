//! Fleet's live state in Redis.
