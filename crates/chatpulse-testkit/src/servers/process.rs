//! A server process that is ours: started on a free port, known to be ready, killed when dropped.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A server says that it is ready within this, on a busy machine too.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// Killed when dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
}

impl Process {
    /// Starts it and waits for the line that says it is ready. `Err` with its last words otherwise.
    pub(super) fn start(command: &mut Command, ready: &'static str) -> Result<Self, String> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let output = child.stdout.take().unwrap();
        let (said, heard) = mpsc::channel();
        std::thread::spawn(move || {
            let mut words = String::new();
            // Read to the end, so that it never waits for us to read.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                words.push_str(&line);
                words.push('\n');
                if line.contains(ready) {
                    let _ = said.send(Ok(()));
                    words.clear();
                }
            }
            let _ = said.send(Err(words));
        });
        let process = Self { child };
        match heard.recv_timeout(READY_WITHIN) {
            Ok(said) => said.map(|()| process),
            Err(_) => Err(format!("it was not ready within {READY_WITHIN:?}")),
        }
    }

    /// Sends it a signal by name, such as `STOP`.
    pub(super) fn signal(&self, name: &str) {
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

/// A port that was free a moment ago. Somebody else may take it: whoever starts a server tries again.
pub(super) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Whether a program of this name is in the `PATH`.
pub(super) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| Path::is_file(&folder.join(program)))
}
