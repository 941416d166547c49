//! Access to live state that bypasses the product: reads Redis and writes to it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use chatpulse_testkit::servers::redis::RedisServer;
use tokio::time::Instant;

/// Returns all strings of a reply, flattened.
pub(crate) fn ask(redis: &RedisServer, words: &[&str]) -> Vec<String> {
    let answer = redis.ask(words);
    assert!(!answer.starts_with('-'), "{words:?}: {answer}");
    let parts = answer.lines().filter(|line| !line.starts_with(['*', '$']));
    parts.map(|line| line.trim_start_matches([':', '+']).to_owned()).collect()
}

/// Returns all keys, sorted.
pub(crate) fn keys(redis: &RedisServer) -> Vec<String> {
    let mut keys = ask(redis, &["KEYS", "*"]);
    keys.sort();
    keys
}

/// Returns the keys of one session: the session, its holders, its bucket and its counts.
pub(crate) fn session_keys(redis: &RedisServer, overlay: &str) -> Vec<String> {
    let tag = format!("{{{overlay}}}");
    // Deduplication and debounce keys do not belong to the session and expire by themselves.
    let own = |key: &String| key.ends_with(&tag);
    keys(redis).into_iter().filter(own).collect()
}

/// Changes a bar's value without publishing the change.
pub(crate) fn push_silently(redis: &RedisServer, overlay: &str) {
    let (session, counts) = (format!("session:{{{overlay}}}"), format!("votes_last_minute:{{{overlay}}}"));
    let answer = ask(redis, &["FCALL", "chatpulse_push", "2", &session, &counts, "for"]);
    assert_eq!(answer[0], "applied");
}

/// Makes Redis reject writes and accept reads, as if its memory were full.
pub(crate) fn refuse_writes(redis: &RedisServer) {
    ask(redis, &["CONFIG", "SET", "maxmemory", "1"]);
}

/// Lets Redis accept writes again.
pub(crate) fn take_writes(redis: &RedisServer) {
    ask(redis, &["CONFIG", "SET", "maxmemory", "0"]);
}

/// The commands that clients send to Redis, from `MONITOR`. Commands inside functions are omitted.
pub(crate) struct Monitor {
    stream: BufReader<TcpStream>,
}

impl Monitor {
    pub(crate) fn of(redis: &RedisServer) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", redis.port())).unwrap();
        stream.write_all(b"MONITOR\r\n").unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// Collects commands for this long. Blocks the thread.
    pub(crate) fn listen(&mut self, span: Duration) -> Vec<String> {
        let until = Instant::now() + span;
        let (mut heard, mut line) = (Vec::new(), String::new());
        while Instant::now() < until {
            // Keep an incomplete line until the rest arrives.
            if self.stream.read_line(&mut line).is_ok() {
                heard.push(std::mem::take(&mut line));
            }
        }
        heard.retain(|line| line.contains(" [0 127.0.0.1:"));
        heard
    }
}
