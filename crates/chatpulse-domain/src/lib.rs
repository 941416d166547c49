//! The vocabulary of ChatPulse.
//!
//! A **streamer** logs in with Twitch and owns one **overlay**: a page with a secret URL that OBS shows.
//! A **chatter** types a line of chat, a [`message::ChatMessage`]. If the line equals one of the streamer's
//! **triggers**, it is a **vote** for one [`side::Side`]. An overlay that is open has a **session**, and the session has a
//! **sentiment**: a number in [−100, 100] that votes push and that decays to 0 (momentum mode), or a **tally**: votes for and
//! against in a window (share mode). An **instance** is one running server; it holds the sessions of the overlays that are
//! connected to it.
//!
//! Start with [`matching`], [`sentiment`] and [`live`]: they are the rules of the product. Then read [`ports`], the list of
//! what the rest of the workspace provides. Nothing here does I/O or reads a clock: time is an argument.

pub mod access;
pub mod appearance;
mod choice;
pub mod clock_offset;
pub mod command;
pub mod document;
pub mod doubt;
mod fold;
pub mod ids;
pub mod label;
pub mod live;
pub mod login;
pub mod matching;
pub mod message;
pub mod metrics;
pub mod mode;
pub mod normalize;
pub mod overlay;
pub mod ports;
pub mod reading;
pub mod secret;
pub mod sentiment;
pub mod session;
pub mod side;
pub mod streamer;
pub mod subscription;
pub mod tally;
pub mod throttle;
pub mod time;
pub mod token_bucket;
pub mod trigger;
pub mod trigger_set;
pub mod typed;
pub mod vote;
pub mod window;
