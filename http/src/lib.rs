//! The request model: what goes into an environ, which requests are refused, and what an application may
//! answer. Pure functions over bytes, without Python and without I/O; both sides of the seam use them.
#![forbid(unsafe_code)]

mod arena;
mod body;
mod byte;
mod date;
mod environ;
mod field;
mod header;
mod length;
mod method;
mod network;
mod path;
mod proxy;
mod status;
mod variable;

pub use arena::Arena;
pub use body::{BodyError, BodyRules, Framing};
pub use date::last_modified;
pub use environ::Environ;
pub use field::{
    FieldError, Repeats, check_name, check_value, is_for_any_page, is_framing, local_redirect,
    repeats,
};
pub use header::{Access, Headers};
pub use length::{LengthError, content_length};
pub use method::{HeadMapping, request_method};
pub use network::Network;
pub use path::{collapse_slashes, match_prefix};
pub use proxy::{ProxyHeader, ProxyRules};
pub use status::{StatusError, status_code};
pub use variable::{is_https, is_passed};
