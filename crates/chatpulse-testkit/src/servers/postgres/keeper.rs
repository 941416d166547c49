//! What ends the server when the tests end, however they end.
//!
//! A shell starts the server and then waits at a pipe from us. When we are gone the pipe is closed by the system, the
//! shell wakes up, stops the server and removes its folder. No handler of ours has to run for that.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::binaries::Binaries;

const READY: &str = "database system is ready to accept connections";

/// A server says that it is ready within this, on a busy machine too.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// `$1` is the folder and the rest the server's command line. A word on the pipe is a signal's name, and the folder
/// stays; without a word this is the end.
const SCRIPT: &str = r#"
folder=$1; shift
"$@" &
server=$!
exec 2>/dev/null
read -r signal
kill -s "${signal:-INT}" "$server"
wait "$server"
[ -n "$signal" ] || rm -rf "$folder"
"#;

/// How a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Orderly; it may be started again.
    Shutdown,
    /// At once and without a word; it may be started again.
    Crash,
    /// Orderly, and its folder goes too.
    ForGood,
}

/// A running server.
#[derive(Debug)]
pub(super) struct Keeper {
    shell: Child,
}

impl Keeper {
    /// Starts it and waits until it takes connections. `Err` with its last words otherwise.
    pub(super) fn start(binaries: &Binaries, folder: &Path, arguments: &[&str]) -> Result<Self, String> {
        let mut command = binaries.command(Path::new("sh"), folder);
        command.args(["-c", SCRIPT, "keeper"]).arg(folder).arg(binaries.server()).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut shell = command.spawn().map_err(|error| error.to_string())?;
        let heard = listen(shell.stderr.take().unwrap());
        let keeper = Self { shell };
        let said = heard.recv_timeout(READY_WITHIN);
        let said = said.unwrap_or_else(|_| Err(format!("it was not ready within {READY_WITHIN:?}")));
        if said.is_err() {
            keeper.end(Ending::Shutdown);
            return said.map(|()| unreachable!("it is an error"));
        }
        Ok(keeper)
    }

    /// Ends it and waits for its end.
    pub(super) fn end(mut self, ending: Ending) {
        let mut pipe = self.shell.stdin.take().unwrap();
        let word: &[u8] = match ending {
            Ending::Shutdown => b"INT\n",
            Ending::Crash => b"QUIT\n",
            Ending::ForGood => b"",
        };
        let _ = pipe.write_all(word);
        drop(pipe);
        let _ = self.shell.wait();
    }
}

/// Reads to the end, so that the server never waits for us to read.
fn listen(output: impl Read + Send + 'static) -> mpsc::Receiver<Result<(), String>> {
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut words = String::new();
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if line.contains(READY) {
                let _ = said.send(Ok(()));
                words.clear();
            }
            words.push_str(&line);
            words.push('\n');
        }
        let _ = said.send(Err(words));
    });
    heard
}
