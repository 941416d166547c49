//! What moves the bar.

use crate::choice::choice;

choice! {
    /// What moves the bar. Settings of the other mode are kept for when it is chosen again.
    Mode {
        /// Votes push the bar, and time pulls it back.
        #[default]
        Momentum = "momentum",
        /// The bar shows the share of votes for and against in a window.
        Share = "share",
    }
}
