//! Real servers for tests: a server named in the environment, else a temporary one from installed programs, else one in
//! Docker. Without any of them the test fails and says what to install; no test is skipped.

#![expect(clippy::print_stdout, reason = "a test prints which server it uses")]

mod docker;
pub mod postgres;
pub mod redis;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Deadline for a server to be ready, long enough for a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A server process that is killed when dropped.
#[derive(Debug)]
struct Process {
    child: Child,
}

impl Process {
    /// Starts it and waits for the line of output that says it is ready. `Err` has its last output.
    fn start(command: &mut Command, ready: &'static str) -> Result<Self, String> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let output = child.stdout.take().unwrap();
        let (sender, ready_or_ended) = mpsc::channel();
        std::thread::spawn(move || {
            let mut last_output = String::new();
            // Reads to the end, so that the server never blocks on its output.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                last_output.push_str(&line);
                last_output.push('\n');
                if line.contains(ready) {
                    let _ = sender.send(Ok(()));
                    last_output.clear();
                }
            }
            let _ = sender.send(Err(last_output));
        });
        let process = Self { child };
        match ready_or_ended.recv_timeout(READY_WITHIN) {
            Ok(outcome) => outcome.map(|()| process),
            Err(_) => Err(format!("it was not ready within {READY_WITHIN:?}")),
        }
    }

    /// Sends it a signal by name, such as `STOP`.
    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap();
        assert!(sent.success(), "kill -{name} failed");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a port that is free now. Another process may take it before the server does, so callers retry.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Whether a program of this name is in the `PATH`.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| Path::is_file(&folder.join(program)))
}
