//! A broken peer gets an error, whatever it sends.

use super::super::{Decoder, Error, Server};
use super::{WORKER, corpus, feed};
use proptest::prelude::*;

/// Both sides read the bytes; what they make of them does not matter.
fn read_by_both(bytes: &[u8], block: usize) -> (Result<(), Error>, Result<(), Error>) {
    let mut client = corpus::waiting_client();
    let mut server = Server::accept(WORKER, &mut Vec::new()).unwrap();
    let by_host = read(bytes, block, |frame| client.receive(frame).map(drop));
    let by_worker = read(bytes, block, |frame| server.receive(frame).map(drop));
    (by_host, by_worker)
}

fn read(
    bytes: &[u8],
    block: usize,
    mut take: impl FnMut(super::super::Frame<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut decoder = Decoder::new(64);
    for block in bytes.chunks(block) {
        feed(&mut decoder, block, &mut take)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn changed_bytes_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        drops in proptest::collection::vec(any::<prop::sample::Index>(), 0..3),
        to_host in any::<bool>(),
        block in 1_usize..300,
    ) {
        let mut bytes = if to_host { corpus::to_host() } else { corpus::to_worker() };
        for (index, value) in changes {
            *index.get_mut(&mut bytes) = value;
        }
        for index in drops {
            bytes.remove(index.index(bytes.len()));
        }
        let _ = read_by_both(&bytes, block);
    }

    #[test]
    fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), block in 1_usize..300) {
        let _ = read_by_both(&bytes, block);
    }

    /// Announced lengths and counts are checked against what is there before memory is set aside.
    #[test]
    fn any_length_at_any_place_is_survived(at in any::<prop::sample::Index>(), value in any::<u32>(), to_host in any::<bool>()) {
        let mut bytes = if to_host { corpus::to_host() } else { corpus::to_worker() };
        let at = at.index(bytes.len() - 4);
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        let _ = read_by_both(&bytes, 4096);
    }
}
