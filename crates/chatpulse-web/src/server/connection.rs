//! Wrap one TCP connection below HTTP: limit the time and the size of every request head, also on kept-alive
//! connections.
//!
//! actix-http limits the time of only the first head of a connection, and it answers what its parser cannot hold with
//! a bare status (`docs/adr/0016-the-http-edge.md`; `tests/it/actix.rs` says when this file can be removed). This
//! wrapper forwards bytes unchanged and only detects where a head begins and ends. Start with [`Phase`], then
//! `Connection::saw`.

mod head;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::info;

use crate::error::{Form, Problem};
use crate::guard::observe::{count_refused, head_too_large};
use crate::server::sockets::Place;
use head::Head;

/// Maximum time from the first byte of a head to its last.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time between a response and the next request. The keep-alive of actix-http is a little shorter and closes
/// without a response; this timeout ends the connection in any case.
const IDLE_TIMEOUT: Duration = Duration::from_secs(80);
/// Larger heads never reach the parser. Heads between 16 KiB and this size are refused with an error page.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// After a refusal, incoming bytes are read and discarded for this long, so that the client receives the refusal.
const DRAIN_FOR: Duration = Duration::from_secs(1);

/// A stream that serves HTTP.
pub(super) struct Connection<S> {
    io: S,
    place: Place,
    phase: Phase,
    /// The form of an error in place of the current response.
    form: Form,
    /// When the current phase times out; `None` while a request is being answered.
    deadline: Option<Pin<Box<Sleep>>>,
    /// The response that replaces a bare status of the parser, and the number of bytes already written.
    substitute: Option<(Vec<u8>, usize)>,
}

#[derive(Debug)]
enum Phase {
    /// No byte of a request has arrived.
    Idle,
    /// A head is arriving.
    Head(Head),
    /// The head is complete: the body arrives and the response is sent.
    Busy,
    /// The connection was upgraded and no longer carries HTTP.
    Upgraded,
    /// This wrapper sends its own response; `written` bytes of it are sent.
    Refusing { answer: Vec<u8>, written: usize },
    /// The refusal is sent; waiting for the client to read it.
    Draining,
}

impl<S> Connection<S> {
    /// Must be called inside a Tokio runtime, because it starts the timeout of the first head.
    pub(super) fn new(io: S, place: Place) -> Self {
        let deadline = Some(Box::pin(sleep_until(Instant::now() + HEAD_TIMEOUT)));
        Self { io, place, phase: Phase::Idle, form: Form::Json, deadline, substitute: None }
    }

    /// Processes bytes received from the client. Returns a refusal if the head is too large.
    fn saw(&mut self, bytes: &[u8]) -> Option<Problem> {
        if matches!(self.phase, Phase::Idle) && !bytes.is_empty() {
            self.phase = Phase::Head(Head::default());
            self.end_in(Some(HEAD_TIMEOUT));
        }
        let Phase::Head(head) = &mut self.phase else { return None };
        let is_complete = bytes.iter().any(|byte| head.ends_with(*byte));
        self.form = head.form();
        if head.bytes() > HEAD_BYTES_MAX {
            return Some(head_too_large());
        }
        if is_complete {
            self.phase = Phase::Busy;
            self.place.begin_request();
            self.end_in(None);
        }
        None
    }

    /// Processes bytes of the response. `100 Continue` is not the final response.
    fn said(&mut self, bytes: &[u8]) {
        if !matches!(self.phase, Phase::Busy) || bytes.starts_with(b"HTTP/1.1 100") {
            return;
        }
        if bytes.starts_with(b"HTTP/1.1 101") {
            self.phase = Phase::Upgraded;
        } else {
            self.phase = Phase::Idle;
            self.place.end_request();
            self.end_in(Some(IDLE_TIMEOUT));
        }
    }

    /// Returns the replacement for a response of the parser itself: a bare status without a body and without a
    /// request id.
    fn is_bare(&self, bytes: &[u8]) -> Option<Problem> {
        if !matches!(self.phase, Phase::Busy) || !bytes.starts_with(b"HTTP/1.1 4") {
            return None;
        }
        let head = String::from_utf8_lossy(bytes).to_ascii_lowercase();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let is_ours = head.contains("\r\nx-request-id: ");
        (!is_ours).then(|| Problem::of_status(status))
    }

    fn end_in(&mut self, span: Option<Duration>) {
        let at = span.map(|span| Instant::now() + span);
        match (at, &mut self.deadline) {
            (Some(at), Some(deadline)) => deadline.as_mut().reset(at),
            (Some(at), None) => self.deadline = Some(Box::pin(sleep_until(at))),
            (None, _) => self.deadline = None,
        }
    }

    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready())
    }

    fn refuse(&mut self, problem: &Problem) {
        self.phase = Phase::Refusing { answer: last_words(problem, self.form), written: 0 };
        self.end_in(Some(HEAD_TIMEOUT));
    }
}

/// Builds a complete refusal, counts it and logs it.
fn last_words(problem: &Problem, form: Form) -> Vec<u8> {
    let (answer, request_id) = problem.as_last_words(form);
    count_refused(problem.status);
    info!(http.status = problem.status.as_u16(), request.id = %request_id, "a request was refused before it was read: {problem}");
    answer
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Writes the refusal, then reads and discards incoming bytes. Ready when the connection can be closed.
    fn poll_refusal(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Phase::Refusing { answer, written } = &mut self.phase {
            if *written == answer.len() {
                // Shut down the sending side; ignore errors, because the connection ends anyway.
                let _ = ready!(Pin::new(&mut self.io).poll_shutdown(cx));
                self.phase = Phase::Draining;
                self.end_in(Some(DRAIN_FOR));
                break;
            }
            match Pin::new(&mut self.io).poll_write(cx, &answer[*written..]) {
                Poll::Ready(Ok(bytes)) if bytes > 0 => *written += bytes,
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending if self.is_over(cx) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        let mut scratch = [0; 4_096];
        loop {
            if self.is_over(cx) {
                return Poll::Ready(());
            }
            let mut dropped = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.io).poll_read(cx, &mut dropped)) {
                Ok(()) if !dropped.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if matches!(this.phase, Phase::Idle | Phase::Head(_)) {
            if this.place.poll_closed(cx).is_ready() {
                // Other connections need the room: end without an answer, so that a client may send its request again.
                return Poll::Ready(Ok(()));
            }
            if this.is_over(cx) {
                this.refuse(&Problem::timed_out());
            }
        }
        if !matches!(this.phase, Phase::Refusing { .. } | Phase::Draining) {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut this.io).poll_read(cx, buffer))?;
            let Some(problem) = this.saw(&buffer.filled()[before..]) else {
                return Poll::Ready(Ok(()));
            };
            buffer.set_filled(before);
            this.refuse(&problem);
        }
        // An empty read signals the end of the stream.
        this.poll_refusal(cx).map(Ok)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.substitute.is_none()
            && let Some(problem) = this.is_bare(bytes)
        {
            this.substitute = Some((last_words(&problem, this.form), 0));
        }
        if let Some((answer, sent)) = &mut this.substitute {
            while *sent < answer.len() {
                match ready!(Pin::new(&mut this.io).poll_write(cx, &answer[*sent..]))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    more => *sent += more,
                }
            }
            // Report the replaced response as written; the connection ends after the replacement.
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = ready!(Pin::new(&mut this.io).poll_write(cx, bytes))?;
        this.said(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::{advance, timeout};

    use super::*;
    use crate::server::sockets::Sockets;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    fn pair() -> (DuplexStream, Connection<DuplexStream>) {
        let (client, server) = duplex(256 * 1024);
        let place = Sockets::new(1, Vec::new()).enter(Ipv4Addr::LOCALHOST.into()).unwrap();
        (client, Connection::new(server, place))
    }

    async fn read(server: &mut Connection<DuplexStream>) -> Vec<u8> {
        let mut bytes = vec![0; 64 * 1024];
        let count = server.read(&mut bytes).await.unwrap();
        bytes.truncate(count);
        bytes
    }

    async fn answered(client: &mut DuplexStream) -> String {
        let mut text = String::new();
        client.read_to_string(&mut text).await.unwrap();
        text
    }

    /// Exchanges one request and its response.
    async fn exchange(client: &mut DuplexStream, server: &mut Connection<DuplexStream>) {
        client.write_all(REQUEST).await.unwrap();
        assert_eq!(read(server).await, REQUEST);
        server.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut answer = [0; 19];
        client.read_exact(&mut answer).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn every_head_of_a_connection_has_ten_seconds() {
        for requests_before in [0, 1, 5] {
            let (mut client, mut server) = pair();
            for _ in 0..requests_before {
                exchange(&mut client, &mut server).await;
                advance(Duration::from_secs(9)).await;
            }
            client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
            read(&mut server).await;
            let began = Instant::now();
            assert_eq!(read(&mut server).await, b"", "the end");
            let took = began.elapsed();
            assert!((10..12).contains(&took.as_secs()), "{took:?}");
            let answer = answered(&mut client).await;
            assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_shows_on_stream_is_a_page_also_when_it_comes_too_slowly() {
        for (line, content_type) in
            [("GET /overlay/x HTTP/1.1", "text/html"), ("GET /x", "application/problem+json")]
        {
            let (mut client, mut server) = pair();
            exchange(&mut client, &mut server).await;
            client.write_all(line.as_bytes()).await.unwrap();
            read(&mut server).await;
            assert_eq!(read(&mut server).await, b"", "the end");
            let answer = answered(&mut client).await;
            assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
            assert!(answer.contains(&format!("\r\ncontent-type: {content_type}")), "{answer}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_now_and_then_does_not_help_and_empty_lines_are_no_head() {
        let (mut client, mut server) = pair();
        exchange(&mut client, &mut server).await;
        client.write_all(b"\r\n\r\n").await.unwrap();
        read(&mut server).await;
        for _ in 0..4 {
            advance(Duration::from_secs(2)).await;
            client.write_all(b"X").await.unwrap();
            assert_eq!(read(&mut server).await, b"X");
        }
        let ended = timeout(Duration::from_secs(4), read(&mut server)).await;
        assert_eq!(ended.unwrap(), b"");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_take_longer_also_after_a_continue() {
        let (mut client, mut server) = pair();
        client.write_all(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n").await.unwrap();
        read(&mut server).await;
        server.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
        for _ in 0..3 {
            advance(Duration::from_secs(6)).await;
            client.write_all(b"abc").await.unwrap();
            assert_eq!(read(&mut server).await, b"abc");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_upgraded_has_no_head() {
        let (mut client, mut server) = pair();
        client.write_all(REQUEST).await.unwrap();
        read(&mut server).await;
        server.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await.unwrap();
        client.write_all(b"\x8a\x80pong").await.unwrap();
        read(&mut server).await;
        assert!(timeout(Duration::from_hours(2), read(&mut server)).await.is_err(), "it waits for ever");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_begun_before_the_answer_and_never_finished_ends_too() {
        let (mut client, mut server) = pair();
        client.write_all(&[REQUEST, b"GET /"].concat()).await.unwrap();
        read(&mut server).await;
        server.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let ended = timeout(Duration::from_secs(82), read(&mut server)).await;
        assert_eq!(ended.unwrap(), b"");
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_beyond_all_measure_is_refused_before_it_is_parsed() {
        let (mut client, mut server) = pair();
        let head = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "u".repeat(70_000));
        client.write_all(head.as_bytes()).await.unwrap();
        let mut passed = 0;
        loop {
            let bytes = read(&mut server).await;
            if bytes.is_empty() {
                break;
            }
            passed += bytes.len();
        }
        assert!(passed <= HEAD_BYTES_MAX);
        let answer = answered(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 431 ") && answer.contains("request_id"), "{answer}");
    }
}
