//! How far back a share counts votes.

use serde::{Deserialize, Serialize};

/// Number of buckets per window. A vote counts for between 59 and 60 buckets.
pub const BUCKETS: u8 = 60;

/// How far back a share counts votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// The last few seconds.
    Last(WindowSecs),
    /// Every vote since the streamer reset the bar.
    UntilReset,
}

impl Default for Window {
    fn default() -> Self {
        Self::Last(WindowSecs::default())
    }
}

impl Window {
    /// Length of one bucket in milliseconds; 0 for [`Window::UntilReset`], which has one bucket without an end.
    pub fn bucket_ms(self) -> u32 {
        match self {
            Self::Last(secs) => u32::from(secs.0) * 1_000 / u32::from(BUCKETS),
            Self::UntilReset => 0,
        }
    }
}

/// Length of a window in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct WindowSecs(u8);

impl WindowSecs {
    /// Shortest window.
    pub const MIN: u8 = 5;
    /// Longest window.
    pub const MAX: u8 = 120;

    /// Accepts [`WindowSecs::MIN`] to [`WindowSecs::MAX`].
    pub fn new(secs: u8) -> Result<Self, WindowOutOfRange> {
        if (Self::MIN..=Self::MAX).contains(&secs) { Ok(Self(secs)) } else { Err(WindowOutOfRange) }
    }

    /// The number of seconds.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for WindowSecs {
    fn default() -> Self {
        Self(30)
    }
}

impl TryFrom<u8> for WindowSecs {
    type Error = WindowOutOfRange;

    fn try_from(secs: u8) -> Result<Self, WindowOutOfRange> {
        Self::new(secs)
    }
}

impl From<WindowSecs> for u8 {
    fn from(secs: WindowSecs) -> Self {
        secs.0
    }
}

/// Not a whole number between [`WindowSecs::MIN`] and [`WindowSecs::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a whole number from {} to {}", WindowSecs::MIN, WindowSecs::MAX)]
pub struct WindowOutOfRange;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_a_number_in_range() {
        for bad in [0, 4, 121, 255] {
            assert_eq!(WindowSecs::new(bad), Err(WindowOutOfRange), "{bad}");
        }
        assert!(WindowSecs::new(5).is_ok() && WindowSecs::new(120).is_ok());
    }

    #[test]
    fn a_window_has_sixty_buckets_and_until_reset_has_one() {
        assert_eq!(Window::default(), Window::Last(WindowSecs::new(30).unwrap()));
        assert_eq!(Window::default().bucket_ms(), 500);
        assert_eq!(Window::Last(WindowSecs::new(5).unwrap()).bucket_ms(), 83);
        assert_eq!(Window::UntilReset.bucket_ms(), 0);
        assert_eq!(WindowSecs::new(120).unwrap().get(), 120);
    }
}
