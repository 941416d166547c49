//! Live state past the product: what stands in Redis, and what is sent to it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use chatpulse_testkit::servers::redis::RedisServer;
use tokio::time::Instant;

/// The words of an answer, however deep they lie.
pub(crate) fn ask(redis: &RedisServer, words: &[&str]) -> Vec<String> {
    let answer = redis.ask(words);
    assert!(!answer.starts_with('-'), "{words:?}: {answer}");
    let parts = answer.lines().filter(|line| !line.starts_with(['*', '$']));
    parts.map(|line| line.trim_start_matches([':', '+']).to_owned()).collect()
}

/// All keys, sorted.
pub(crate) fn keys(redis: &RedisServer) -> Vec<String> {
    let mut keys = ask(redis, &["KEYS", "*"]);
    keys.sort();
    keys
}

/// What exists of one session: itself, its holders, bucket and counts.
pub(crate) fn session_keys(redis: &RedisServer, overlay: &str) -> Vec<String> {
    let tag = format!("{{{overlay}}}");
    // What was seen or debounced is no part of it, and expires by itself.
    let own = |key: &String| key.ends_with(&tag);
    keys(redis).into_iter().filter(own).collect()
}

/// Moves a bar so that nobody is told.
pub(crate) fn push_silently(redis: &RedisServer, overlay: &str) {
    let (session, counts) = (format!("session:{{{overlay}}}"), format!("votes_last_minute:{{{overlay}}}"));
    let answer = ask(redis, &["FCALL", "chatpulse_push", "2", &session, &counts, "for"]);
    assert_eq!(answer[0], "applied");
}

/// As if its memory were full: it is read from, and refuses to be written to.
pub(crate) fn refuse_writes(redis: &RedisServer) {
    ask(redis, &["CONFIG", "SET", "maxmemory", "1"]);
}

/// The end of that.
pub(crate) fn take_writes(redis: &RedisServer) {
    ask(redis, &["CONFIG", "SET", "maxmemory", "0"]);
}

/// What clients send to Redis, as `MONITOR` tells it. What functions do inside is left out.
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

    /// Listens for so long. Blocks: whoever calls has nothing else to do meanwhile.
    pub(crate) fn listen(&mut self, span: Duration) -> Vec<String> {
        let until = Instant::now() + span;
        let (mut heard, mut line) = (Vec::new(), String::new());
        while Instant::now() < until {
            // Half a line stays until its rest comes.
            if self.stream.read_line(&mut line).is_ok() {
                heard.push(std::mem::take(&mut line));
            }
        }
        heard.retain(|line| line.contains(" [0 127.0.0.1:"));
        heard
    }
}
