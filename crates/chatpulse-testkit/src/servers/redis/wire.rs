//! Sends commands to Redis without a client, with the minimum of its protocol.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Sends one command, and returns the raw answer.
pub(super) fn ask(port: u16, words: &[&str]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(stream, "*{}\r\n", words.len()).unwrap();
    for word in words {
        write!(stream, "${}\r\n{word}\r\n", word.len()).unwrap();
    }
    // QUIT makes the server close the connection, which ends the answer.
    write!(stream, "*1\r\n$4\r\nQUIT\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.trim_end_matches("+OK\r\n").to_owned()
}
