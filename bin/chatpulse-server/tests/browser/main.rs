//! The product as a person meets it: a real Chromium, headless, on pages of this machine.
//!
//! Each test starts the `chatpulse` program and a browser of its own, walks through one story and keeps pictures
//! of what it saw in `screenshots/` (or `SCREENSHOTS_DIR`). No page may log an error, be refused something by its
//! content policy or ask another host for anything. Start reading at [`newcomer`].

mod accessibility;
mod appearance;
mod cdp;
mod chromium;
mod comes_back;
mod cost;
mod course;
mod custom_css;
mod gallery;
mod logins;
mod motion;
mod newcomer;
mod overlay;
mod pages;
mod pictures;
mod preview;
mod product;
mod proxy;
mod readme;
mod settings;
mod tab;
mod translation;
mod waits;
mod watch;
mod words;
