//! What the targets of the wire share.

use crate::wire::{Decoder, Error, Frame, Identity};

/// The worker that the corpus means.
pub const WORKER: Identity = Identity {
    row: 3,
    generation: 7,
};

/// Feeds the input to a decoder, in blocks whose size is its last byte, and hands on every frame until one is
/// refused.
pub fn frames(input: &[u8], mut take: impl FnMut(Frame<'_>) -> Result<(), Error>) -> Option<Error> {
    let (block, bytes) = input.split_last()?;
    let mut decoder = Decoder::new(64);
    for block in bytes.chunks(usize::from(*block) + 1) {
        if let Err(error) = feed(&mut decoder, block, &mut take) {
            return Some(error);
        }
    }
    None
}

fn feed(
    decoder: &mut Decoder,
    mut bytes: &[u8],
    take: &mut impl FnMut(Frame<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    while !bytes.is_empty() {
        let space = decoder.space();
        let count = space.len().min(bytes.len());
        assert!(count > 0, "no room although every frame was taken");
        space[..count].copy_from_slice(&bytes[..count]);
        decoder.filled(count);
        bytes = &bytes[count..];
        while let Some(frame) = decoder.frame()? {
            take(frame)?;
        }
    }
    Ok(())
}
