//! Middleware for every handler.

pub(crate) mod body;
pub(crate) mod cookies;
pub(crate) mod csrf;
pub(crate) mod headers;
pub(crate) mod limits;
pub(crate) mod observe;
pub(crate) mod origin;
pub(crate) mod proxies;
pub(crate) mod random;
pub(crate) mod site;
