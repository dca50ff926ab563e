//! A WSGI engine that any server can embed. The interface for servers is the C header `wsgi_core.h`, made of
//! [`ffi`]; what it does is in [`engine`], and processes of their own for applications are in [`daemon`]. Python is on
//! the other side of the seam, `wsgi_core_abi`.

pub mod daemon;
pub mod engine;
pub mod ffi;
