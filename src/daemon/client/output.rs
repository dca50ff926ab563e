//! What leaves for the client, and when. A host writes to its client for each block that must leave at once, which
//! is most of what a stream costs; blocks that follow each other closely leave together.

use super::Downstream;
use std::time::{Duration, Instant};
use wsgi_core_abi::{Failure, SendFlags};

/// Blocks on their way to the host.
#[derive(Debug)]
pub struct Output {
    /// How long a block that must leave may wait for the next one.
    delay: Duration,
    /// So much is given to the host without telling it that it must leave.
    most: u64,
    held: Vec<u8>,
    /// Since when something must leave.
    since: Option<Instant>,
    /// What the host may still have.
    unflushed: u64,
}

/// How much is held at most.
const HELD: usize = 64 << 10;

impl Output {
    pub fn new(delay: Duration, most: u64) -> Self {
        Self {
            delay,
            most,
            held: Vec::new(),
            since: None,
            unflushed: 0,
        }
    }

    /// How long one may wait for more; `None` when nothing is held.
    pub fn patience(&self) -> Option<Duration> {
        let since = self.since?;
        Some(self.delay.saturating_sub(since.elapsed()))
    }

    /// Takes a block, and gives how many bytes the host took.
    pub fn put<D: Downstream>(
        &mut self,
        down: &mut D,
        bytes: &[u8],
        flags: SendFlags,
    ) -> Result<u64, Failure> {
        let fits = self.held.len() + bytes.len() <= HELD;
        let must_leave = flags.has(SendFlags::FLUSH) && !flags.has(SendFlags::END);
        if fits && must_leave && !self.delay.is_zero() {
            self.held.extend_from_slice(bytes);
            self.since.get_or_insert_with(Instant::now);
            return Ok(0);
        }
        if self.held.is_empty() {
            self.since = None;
            return self.send(down, bytes, flags);
        }
        if fits {
            self.held.extend_from_slice(bytes);
            return self.let_go(down, flags);
        }
        self.pass(down, bytes, flags)
    }

    /// Something that must leave waits elsewhere, and leaves by [`Output::pass`].
    pub fn note(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// Sends what is held, and then a block. Gives how many bytes the host took.
    pub fn pass<D: Downstream>(
        &mut self,
        down: &mut D,
        bytes: &[u8],
        flags: SendFlags,
    ) -> Result<u64, Failure> {
        let before = self.let_go(down, SendFlags::MORE)?;
        Ok(before + self.send(down, bytes, flags)?)
    }

    /// Lets go of what is held, and gives how many bytes that was.
    pub fn let_go<D: Downstream>(
        &mut self,
        down: &mut D,
        flags: SendFlags,
    ) -> Result<u64, Failure> {
        self.since = None;
        if self.held.is_empty() {
            return Ok(0);
        }
        let held = std::mem::take(&mut self.held);
        let sent = self.send(down, &held, flags);
        self.held = held;
        self.held.clear();
        sent
    }

    fn send<D: Downstream>(
        &mut self,
        down: &mut D,
        bytes: &[u8],
        flags: SendFlags,
    ) -> Result<u64, Failure> {
        let count = bytes.len() as u64;
        self.unflushed += count;
        let flags = if self.unflushed >= self.most && !flags.has(SendFlags::END) {
            flags.with(SendFlags::FLUSH)
        } else {
            flags
        };
        if flags.has(SendFlags::FLUSH) {
            self.unflushed = 0;
        }
        down.send(bytes, flags)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::client::fake::Fake;

    fn output(delay: u64) -> (Output, Fake) {
        (
            Output::new(Duration::from_millis(delay), 1000),
            Fake::default(),
        )
    }

    #[test]
    fn blocks_that_follow_closely_leave_together_with_the_end() {
        let (mut output, mut taken) = output(1000);
        assert_eq!(output.put(&mut taken, b"one", SendFlags::FLUSH), Ok(0));
        assert!(output.patience().is_some_and(|left| !left.is_zero()));
        assert_eq!(output.put(&mut taken, b"two", SendFlags::FLUSH), Ok(0));
        assert_eq!(output.put(&mut taken, b"", SendFlags::END), Ok(6));
        assert_eq!(taken.sent, [(b"onetwo".to_vec(), SendFlags::END.0)]);
        assert_eq!(output.patience(), None);
    }

    #[test]
    fn without_a_delay_each_block_leaves() {
        let (mut output, mut taken) = output(0);
        assert_eq!(output.put(&mut taken, b"one", SendFlags::FLUSH), Ok(3));
        assert_eq!(taken.sent, [(b"one".to_vec(), SendFlags::FLUSH.0)]);
    }

    #[test]
    fn what_does_not_fit_lets_go_of_the_rest_first() {
        let (mut output, mut taken) = output(1000);
        let long = vec![b'x'; HELD];
        assert_eq!(output.put(&mut taken, b"one", SendFlags::FLUSH), Ok(0));
        let all = HELD as u64 + 3;
        assert_eq!(output.put(&mut taken, &long, SendFlags::FLUSH), Ok(all));
        assert_eq!(taken.sent[0], (b"one".to_vec(), SendFlags::MORE.0));
        assert_eq!(taken.sent[1], (long, SendFlags::FLUSH.0));
    }

    #[test]
    fn now_and_then_everything_must_leave() {
        let (mut output, mut taken) = output(5);
        for _ in 0..4 {
            output
                .put(&mut taken, &[b'x'; 400], SendFlags::MORE)
                .unwrap();
        }
        let flags: Vec<u32> = taken.sent.iter().map(|(_, flags)| *flags).collect();
        assert_eq!(flags, [0, 0, SendFlags::FLUSH.0, 0]);
    }
}
