//! Bounds of everything on the wire, each with its reason. A frame that announces more is refused when its
//! header arrives, before any memory is set aside for it.

/// Payload of a request frame. The environ is held by both sides while the request lasts; httpd's own limits
/// keep it below 1 MiB unless an administrator raised them on purpose.
pub const REQUEST: usize = 16 << 20;
/// Payload of a head frame: like a request, so that whatever a client may send an application may answer.
pub const HEAD: usize = 16 << 20;
/// Pairs of one request or head. A pair takes 8 bytes on the wire at the least and 32 in memory, so this bounds
/// what a frame of empty pairs costs to 1 MiB.
pub const PAIRS: usize = 32 << 10;
/// Payload of a body or data frame. It is handed on in pieces as it arrives, so no memory depends on it; it
/// bounds how long an abort or a log line waits behind a block.
pub const BLOCK: usize = 1 << 20;
/// Bytes of the request body that travel in the request frame, without credit: what a read of the host's
/// connection may have brought along, and small enough to fit the socket's buffer with the environ.
pub const FIRST_BODY: usize = 64 << 10;
/// Credit that a host has not used yet: what a worker may have to take in after its application stopped reading.
pub const CREDIT: u32 = 1 << 20;
/// Text of a log record or of the problem in an end frame. Longer text is cut by the sender; hosts cut earlier.
pub const TEXT: usize = 64 << 10;
/// Name of the source file in a log record: `PATH_MAX`. Longer names are cut by the sender.
pub const FILE_NAME: usize = 4096;
/// Words of an abort or of a failed read, as at the seam. Longer words are cut by the sender.
pub const REASON: usize = 256;
/// Descriptors that have arrived before their file frames: for whoever receives them, which is not done here.
pub const DESCRIPTORS: usize = 16;
/// Payload of a hello frame. More than this version needs, so that a later one may say more and still be
/// understood well enough to be refused by its number.
pub const HELLO: usize = 256;
