//! Chat lines: what is typed, what Twitch makes of it, and who gets it.
//!
//! [`line::ChatLine`] is what a chatter does; [`event`] turns it into Twitch's JSON.

pub(crate) mod event;
pub(crate) mod fragments;
pub(crate) mod line;
pub(crate) mod speak;
