//! Chat messages: input, conversion to Twitch's JSON, and delivery.
//!
//! [`line::ChatLine`] is the input of a chatter; [`event`] converts it to Twitch's JSON.

pub(crate) mod event;
pub(crate) mod fragments;
pub(crate) mod line;
pub(crate) mod speak;
