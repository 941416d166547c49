//! Find the end of a request head, and the path at its beginning.

use crate::error::{Form, is_on_stream};

/// Enough for a method and the beginning of the path.
const START_BYTES: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Head {
    bytes: usize,
    /// The first bytes of the request line. It is empty while only empty lines have arrived: they may precede a request
    /// and are not part of a head.
    start: Vec<u8>,
    line_is_empty: bool,
}

impl Head {
    /// The number of bytes so far.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Consumes one byte. Returns true if it ends the head. Lines may end without a carriage return.
    pub(super) fn ends_with(&mut self, byte: u8) -> bool {
        self.bytes += 1;
        match byte {
            b'\r' => false,
            b'\n' => std::mem::replace(&mut self.line_is_empty, true) && !self.start.is_empty(),
            _ => {
                self.line_is_empty = false;
                if self.start.len() < START_BYTES {
                    self.start.push(byte);
                }
                false
            }
        }
    }

    /// The form of an error for this request, which nothing has parsed yet.
    pub(super) fn form(&self) -> Form {
        let start = String::from_utf8_lossy(&self.start);
        let path = start.split([' ', '?']).nth(1).unwrap_or_default();
        if is_on_stream(path) { Form::Overlay } else { Form::Json }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_an_empty_line_however_lines_end() {
        for text in
            ["GET / HTTP/1.1\r\nA: b\r\n\r\n", "GET / HTTP/1.1\nA: b\n\n", "\r\n\r\nGET / HTTP/1.1\r\n\r\n"]
        {
            let mut head = Head::default();
            let end = text.bytes().position(|byte| head.ends_with(byte));
            assert_eq!(end, Some(text.len() - 1), "{text:?}");
        }
    }

    #[test]
    fn an_error_below_overlay_is_for_the_stream() {
        for (text, form) in [
            ("GET /overlay/8f7a0000-0000-4000-8000-000000000000 HTTP/1.1", Form::Overlay),
            ("OPTIONS /overlay/x", Form::Overlay),
            ("\r\nHEAD /overlay/", Form::Overlay),
            ("GET /overlays/x", Form::Json),
            ("GET /x?/overlay/", Form::Json),
            ("GET", Form::Json),
            ("", Form::Json),
        ] {
            let mut head = Head::default();
            let ended = text.bytes().any(|byte| head.ends_with(byte));
            assert_eq!((ended, head.form()), (false, form), "{text:?}");
        }
    }
}
