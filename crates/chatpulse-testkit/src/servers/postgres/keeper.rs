//! Ends the server when the tests end, however they end.
//!
//! A shell starts the server and then reads a pipe from the test process. When that process ends, the operating system
//! closes the pipe, and the shell stops the server and removes its folder. No code of the test process has to run.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::binaries::Binaries;

const READY: &str = "database system is ready to accept connections";

/// Deadline for a server to be ready, long enough for a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// `$1` is the folder; the rest is the server's command line. A line on the pipe is the name of a signal for the server,
/// and the folder stays. When the pipe closes without a line, the folder is removed too.
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
    /// A shutdown; it may be started again.
    Shutdown,
    /// At once, without a shutdown; it may be started again.
    Crash,
    /// A shutdown that also removes the folder.
    ForGood,
}

/// A running server.
#[derive(Debug)]
pub(super) struct Keeper {
    shell: Child,
}

impl Keeper {
    /// Starts it and waits until it accepts connections. `Err` has its last output.
    pub(super) fn start(binaries: &Binaries, folder: &Path, arguments: &[&str]) -> Result<Self, String> {
        let mut command = binaries.command(Path::new("sh"), folder);
        command.args(["-c", SCRIPT, "keeper"]).arg(folder).arg(binaries.server()).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut shell = command.spawn().map_err(|error| error.to_string())?;
        let ready_or_ended = watch_output(shell.stderr.take().unwrap());
        let keeper = Self { shell };
        let outcome = ready_or_ended.recv_timeout(READY_WITHIN);
        let outcome = outcome.unwrap_or_else(|_| Err(format!("it was not ready within {READY_WITHIN:?}")));
        if outcome.is_err() {
            keeper.end(Ending::Shutdown);
            return outcome.map(|()| unreachable!("it is an error"));
        }
        Ok(keeper)
    }

    /// Ends it and waits until it has ended.
    pub(super) fn end(mut self, ending: Ending) {
        let mut pipe = self.shell.stdin.take().unwrap();
        let signal: &[u8] = match ending {
            Ending::Shutdown => b"INT\n",
            Ending::Crash => b"QUIT\n",
            Ending::ForGood => b"",
        };
        let _ = pipe.write_all(signal);
        drop(pipe);
        let _ = self.shell.wait();
    }
}

/// Reports the line that says the server is ready, else its last output. Reads to the end, so that the server never blocks
/// on its output.
fn watch_output(output: impl Read + Send + 'static) -> mpsc::Receiver<Result<(), String>> {
    let (sender, ready_or_ended) = mpsc::channel();
    std::thread::spawn(move || {
        let mut last_output = String::new();
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if line.contains(READY) {
                let _ = sender.send(Ok(()));
                last_output.clear();
            }
            last_output.push_str(&line);
            last_output.push('\n');
        }
        let _ = sender.send(Err(last_output));
    });
    ready_or_ended
}
