//! Settings of the connection pool, validated whichever database is used.

use std::time::Duration;

use super::reader::Reader;
use super::stores::Retries;

/// Sizes and durations of the pool.
pub(super) struct Pool {
    pub(super) min_conns: u32,
    pub(super) max_conns: u32,
    pub(super) max_conn_idle_time: Duration,
    pub(super) health_check_period: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) retries: Retries,
}

impl Pool {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (min_conns, max_conns) = sizes(reader).unzip();
        let max_conn_idle_time = reader.duration("DB_MAX_CONN_IDLE_TIME", Duration::from_mins(5));
        let health_check_period = reader.duration("DB_HEALTH_CHECK_PERIOD", Duration::from_mins(1));
        let connect_timeout = reader.duration("DB_CONNECT_TIMEOUT", Duration::from_secs(5));
        let further_tries = reader.count("DB_MAX_RETRIES", 3, 0);
        let first_pause = reader.duration("DB_INITIAL_BACKOFF", Duration::from_secs(1));
        Some(Self {
            min_conns: min_conns?,
            max_conns: max_conns?,
            max_conn_idle_time: max_conn_idle_time?,
            health_check_period: health_check_period?,
            connect_timeout: connect_timeout?,
            retries: Retries { further_tries: further_tries?, first_pause: first_pause? },
        })
    }
}

/// Reads the least and the greatest number of connections. A default that nobody set gives way to a value that somebody
/// did.
fn sizes(reader: &mut Reader<'_>) -> Option<(u32, u32)> {
    const MIN: u32 = 2;
    const MAX: u32 = 10;
    let min_is_set = reader.text("DB_MIN_CONNS").is_some();
    let max_is_set = reader.text("DB_MAX_CONNS").is_some();
    let min = reader.count("DB_MIN_CONNS", MIN, 0);
    let max = reader.count("DB_MAX_CONNS", MAX, 1);
    let (min, max) = min.zip(max)?;
    if min <= max {
        return Some((min, max));
    }
    match (min_is_set, max_is_set) {
        (false, _) => Some((max, max)),
        (true, false) => Some((min, min)),
        (true, true) => {
            reader.problem("DB_MIN_CONNS", min, format!("at most DB_MAX_CONNS, which is {max}"));
            None
        }
    }
}
