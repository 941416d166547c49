//! Reads the file `.env`, whatever kind of file it is.

use std::fs::{self, File, FileType};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// More is no file of settings; without this bound `/dev/zero` would fill the memory.
const BYTES_MAX: u64 = 1024 * 1024;

/// How long a pipe's writer may take. Password managers offer `.env` as a pipe and may ask their user first.
const PIPE_WITHIN: Duration = Duration::from_secs(10);

/// Why a file that exists was not read, in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    Directory,
    Socket,
    DanglingLink,
    TooLong,
    SilentPipe,
    /// The system's words.
    Refused(ErrorKind),
}

impl Unreadable {
    pub(super) fn words(&self) -> String {
        match self {
            Self::Directory => "a directory".to_owned(),
            Self::Socket => "a socket".to_owned(),
            Self::DanglingLink => "a link to a file that does not exist".to_owned(),
            Self::TooLong => format!("a file of more than {} KiB", BYTES_MAX / 1024),
            Self::SilentPipe => format!("a pipe into which nobody wrote for {} s", PIPE_WITHIN.as_secs()),
            Self::Refused(kind) => format!("a file that cannot be read: {kind}"),
        }
    }
}

/// Returns the content, or `None` without a file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Unreadable> {
    read_within(path, PIPE_WITHIN)
}

fn read_within(path: &Path, pipe_within: Duration) -> Result<Option<Vec<u8>>, Unreadable> {
    let kind = match fs::metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let is_link = fs::symlink_metadata(path).is_ok();
            return if is_link { Err(Unreadable::DanglingLink) } else { Ok(None) };
        }
        Err(error) => return Err(Unreadable::Refused(error.kind())),
    };
    if kind.is_dir() {
        return Err(Unreadable::Directory);
    }
    if kind.is_socket() {
        return Err(Unreadable::Socket);
    }
    let content = if may_block(kind) { read_in_thread(path, pipe_within)? } else { read_bounded(path) };
    let content = content.map_err(|error| Unreadable::Refused(error.kind()))?;
    if content.len() as u64 > BYTES_MAX { Err(Unreadable::TooLong) } else { Ok(Some(content)) }
}

fn may_block(kind: FileType) -> bool {
    kind.is_fifo() || kind.is_char_device()
}

/// Reads in a thread of its own, because opening a pipe waits for its writer without a limit. If nobody writes, the
/// thread is left behind, and the process is about to exit.
fn read_in_thread(path: &Path, within: Duration) -> Result<io::Result<Vec<u8>>, Unreadable> {
    let (sender, content) = mpsc::channel();
    let path = path.to_owned();
    thread::spawn(move || {
        let _ = sender.send(read_bounded(&path));
    });
    content.recv_timeout(within).map_err(|_| Unreadable::SilentPipe)
}

/// Reads one byte more than allowed, to tell a file that is too long.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_is_no_readable_file_is_said_and_never_waited_for() {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("directory")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("link")).unwrap();
        std::os::unix::fs::symlink("circle", at("circle")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let read = |name: &str| read_within(&at(name), Duration::from_millis(50));
        assert_eq!(read("missing"), Ok(None));
        assert_eq!(read("directory"), Err(Unreadable::Directory));
        assert_eq!(read("link"), Err(Unreadable::DanglingLink));
        assert_eq!(read("socket"), Err(Unreadable::Socket));
        assert_eq!(read("pipe"), Err(Unreadable::SilentPipe));
        assert!(matches!(read("circle"), Err(Unreadable::Refused(_))));
        assert_eq!(read_within(Path::new("/dev/zero"), PIPE_WITHIN), Err(Unreadable::TooLong));
        assert_eq!(read_within(Path::new("/dev/null"), PIPE_WITHIN), Ok(Some(Vec::new())));
    }

    #[test]
    fn a_pipe_with_a_writer_is_read() {
        let folder = TempDir::new().unwrap();
        let pipe = folder.path().join(".env");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let writing = pipe.clone();
        let writer = thread::spawn(move || fs::write(writing, "PORT=1").unwrap());
        assert_eq!(read(&pipe), Ok(Some(b"PORT=1".to_vec())));
        writer.join().unwrap();
    }
}
