//! Limit the size of frames from clients by their header. The WebSocket parser checks the size only when the whole
//! frame has arrived, so a client could announce gigabytes and fill memory; here the header itself ends the
//! connection.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::dev::Payload as RawPayload;
use actix_web::error::PayloadError;
use actix_web::web::Payload;
use actix_web::{FromRequest as _, HttpRequest};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

use super::socket::FRAME_BYTES_MAX;

/// Returns the payload unchanged up to the first frame whose header announces more than [`FRAME_BYTES_MAX`].
pub(super) async fn bounded(request: &HttpRequest, payload: Payload) -> Result<Payload, actix_web::Error> {
    let bounded = Bounded { payload, frames: Frames::default(), overflown: false };
    let payload: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(bounded);
    let mut raw = RawPayload::Stream { payload };
    Payload::from_request(request, &mut raw).await
}

struct Bounded {
    payload: Payload,
    frames: Frames,
    overflown: bool,
}

impl Stream for Bounded {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.overflown {
            return Poll::Ready(None);
        }
        self.payload.poll_next_unpin(cx).map(|item| {
            item.map(|chunk| {
                let chunk = chunk?;
                if self.frames.are_small(&chunk) {
                    return Ok(chunk);
                }
                self.overflown = true;
                Err(PayloadError::Overflow)
            })
        })
    }
}

/// Tracks frame boundaries across chunks.
#[derive(Debug, Default)]
struct Frames {
    /// The bytes of the next frame's header that have arrived.
    head: Vec<u8>,
    /// The bytes of the current frame that have not arrived yet.
    left: usize,
}

impl Frames {
    /// Returns `false` as soon as a frame header announces too large a size.
    fn are_small(&mut self, mut chunk: &[u8]) -> bool {
        while !chunk.is_empty() {
            let skipped = self.left.min(chunk.len());
            (self.left, chunk) = (self.left - skipped, &chunk[skipped..]);
            let Some((byte, rest)) = chunk.split_first() else {
                return true;
            };
            (self.head, chunk) = (std::mem::take(&mut self.head), rest);
            self.head.push(*byte);
            match announced(&self.head) {
                None => {}
                Some(size) if size.payload > FRAME_BYTES_MAX as u64 => return false,
                Some(size) => {
                    self.head.clear();
                    self.left = size.mask + usize::try_from(size.payload).unwrap_or(usize::MAX);
                }
            }
        }
        true
    }
}

struct Announced {
    mask: usize,
    payload: u64,
}

/// Parses a frame header; `None` until it includes the size. Source: RFC 6455, 5.2.
fn announced(head: &[u8]) -> Option<Announced> {
    let second = *head.get(1)?;
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let payload = match second & 0x7f {
        126 => u64::from(u16::from_be_bytes(head.get(2..4)?.try_into().ok()?)),
        127 => u64::from_be_bytes(head.get(2..10)?.try_into().ok()?),
        small => u64::from(small),
    };
    Some(Announced { mask, payload })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds a masked text frame.
    fn frame(size: usize) -> Vec<u8> {
        let mut frame = vec![0x81];
        match u8::try_from(size) {
            Ok(small) if small < 126 => frame.push(0x80 + small),
            _ => {
                frame.push(0x80 + 126);
                frame.extend(u16::try_from(size).unwrap().to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4]);
        frame.extend(vec![b'x'; size]);
        frame
    }

    #[test]
    fn frames_pass_however_they_are_cut() {
        let bytes: Vec<u8> = [0, 1, 125, 126, 300, 1_024].into_iter().flat_map(frame).collect();
        for size in [1, 2, 3, 7, 64, bytes.len()] {
            let mut frames = Frames::default();
            assert!(bytes.chunks(size).all(|chunk| frames.are_small(chunk)), "in chunks of {size}");
            assert_eq!((frames.head.len(), frames.left), (0, 0));
        }
    }

    #[test]
    fn a_frame_that_announces_too_much_is_refused_by_its_head() {
        let huge = [&[0x82, 0xff][..], &400_000_000_u64.to_be_bytes()].concat();
        for head in [&frame(1_025)[..4], &huge] {
            let mut frames = Frames::default();
            assert!(frames.are_small(&frame(20)));
            let (last, first) = head.split_last().unwrap();
            assert!(first.iter().all(|byte| frames.are_small(&[*byte])));
            assert!(!frames.are_small(&[*last]));
        }
    }
}
