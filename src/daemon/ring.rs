//! Blocks of a response in shared memory. A worker puts bytes in, its host takes them out, and neither makes a system
//! call as long as the other is busy: each says at which position it wants to be woken, and by whom it is woken is
//! `docs/wire.md`'s business.
#![forbid(unsafe_code)]

use super::sys::page::Page;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::SeqCst;

/// How many bytes can be under way.
pub const SIZE: usize = 1 << 20;

/// Positions count the bytes of one response from 0. Each is on a cache line of its own.
///
/// How far the worker has put bytes.
const FILLED: usize = 0;
/// From which position on the host wants to be told of that.
const FILL_WANTED: usize = 64;
/// How far the host has taken bytes.
const DRAINED: usize = 128;
/// From which position on the worker wants to be told of that.
const DRAIN_WANTED: usize = 192;
/// How far bytes must leave for the client.
const FLUSHED: usize = 256;
/// Where the bytes are.
const DATA: usize = 4096;
const LENGTH: usize = DATA + SIZE;

/// No position is that far.
const NEVER: u64 = u64::MAX;

/// The worker's end.
#[derive(Debug)]
pub struct Producer {
    page: Page,
    filled: u64,
}

/// The host's end. It made the memory, and believes nothing that is in it.
#[derive(Debug)]
pub struct Consumer {
    page: Page,
    drained: u64,
    flushed: u64,
    armed: u64,
}

/// The worker counts in a way that can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

/// Where a position is in the memory, and how far it goes on from there.
fn place(position: u64) -> (usize, usize) {
    let at = (position % SIZE as u64) as usize;
    (DATA + at, SIZE - at)
}

impl Producer {
    /// The memory of this connection.
    ///
    /// # Errors
    /// When it can't be mapped.
    pub fn open(fd: OwnedFd) -> io::Result<Self> {
        let page = Page::open(fd, LENGTH)?;
        Ok(Self { page, filled: 0 })
    }

    /// A new response.
    pub fn begin(&mut self) {
        self.filled = 0;
    }

    /// Puts as many bytes in as there is room for.
    pub fn put(&mut self, bytes: &[u8]) -> usize {
        let mut rest = &bytes[..bytes.len().min(self.room())];
        let count = rest.len();
        while !rest.is_empty() {
            let (offset, most) = place(self.filled);
            let (now, later) = rest.split_at(rest.len().min(most));
            self.page.put(offset, now);
            self.filled += now.len() as u64;
            rest = later;
        }
        count
    }

    fn room(&self) -> usize {
        let drained = self.page.counter(DRAINED).load(SeqCst);
        let under_way = self.filled.saturating_sub(drained);
        SIZE.saturating_sub(usize::try_from(under_way).unwrap_or(SIZE))
    }

    /// Lets the host see them, and whether they must leave for the client. True when it waits for that.
    pub fn publish(&self, flush: bool) -> bool {
        if flush {
            self.page.counter(FLUSHED).store(self.filled, SeqCst);
        }
        self.page.counter(FILLED).store(self.filled, SeqCst);
        is_due(&self.page, FILL_WANTED, self.filled)
    }

    /// Asks to be told when at least half of the room is free. False when it is.
    pub fn wait_for_room(&self) -> bool {
        if self.room() >= SIZE / 2 {
            return false;
        }
        let position = self.filled - (SIZE / 2) as u64;
        self.page.counter(DRAIN_WANTED).store(position, SeqCst);
        // The host may have taken the last of it just before.
        self.room() < SIZE / 2
    }
}

impl Consumer {
    /// New memory for a connection, and the descriptor that the worker is given.
    ///
    /// # Errors
    /// When the system has none left.
    pub fn create() -> io::Result<(Self, OwnedFd)> {
        let (page, fd) = Page::create(c"wsgi-core-ring", LENGTH)?;
        let mut ring = Self {
            page,
            drained: 0,
            flushed: 0,
            armed: NEVER,
        };
        ring.reset();
        Ok((ring, fd))
    }

    /// A new response: the worker has not got the request yet.
    pub fn begin(&mut self) {
        if self.drained > 0 {
            self.reset();
        }
    }

    fn reset(&mut self) {
        self.drained = 0;
        self.flushed = 0;
        self.armed = 1;
        for (counter, position) in [
            (FILLED, 0),
            (FILL_WANTED, self.armed),
            (DRAINED, 0),
            (DRAIN_WANTED, NEVER),
            (FLUSHED, 0),
        ] {
            self.page.counter(counter).store(position, SeqCst);
        }
    }

    /// How many bytes there are.
    ///
    /// # Errors
    /// When it can't be so many.
    pub fn available(&self) -> Result<usize, Corrupt> {
        let filled = self.page.counter(FILLED).load(SeqCst);
        let count = filled.checked_sub(self.drained).ok_or(Corrupt)?;
        let count = usize::try_from(count).map_err(|_| Corrupt)?;
        if count > SIZE {
            Err(Corrupt)
        } else {
            Ok(count)
        }
    }

    /// The next of them, in one piece of at most `most`.
    pub fn next(&self, most: usize) -> &[u8] {
        let (offset, length) = place(self.drained);
        self.page.piece(offset, most.min(length))
    }

    /// Whether the next so many bytes must leave for the client.
    pub fn must_flush(&mut self, count: usize) -> bool {
        let due = self.page.counter(FLUSHED).load(SeqCst) > self.flushed;
        if due {
            self.flushed = self.drained + count as u64;
        }
        due
    }

    /// Has taken that many. True when the worker waits for it.
    pub fn take(&mut self, count: usize) -> bool {
        self.drained += count as u64;
        self.page.counter(DRAINED).store(self.drained, SeqCst);
        is_due(&self.page, DRAIN_WANTED, self.drained)
    }

    /// Asks to be told when there are `count` bytes.
    pub fn want(&mut self, count: usize) {
        let position = self.drained + count as u64;
        if self.armed != position {
            self.armed = position;
            self.page.counter(FILL_WANTED).store(position, SeqCst);
        }
    }

    /// Was told.
    pub fn told(&mut self) {
        self.armed = NEVER;
    }
}

/// Whether the other end waits for this position. It is told once.
fn is_due(page: &Page, wanted: usize, position: u64) -> bool {
    let wanted = page.counter(wanted);
    position >= wanted.load(SeqCst) && wanted.swap(NEVER, SeqCst) <= position
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> (Producer, Consumer) {
        let (consumer, fd) = Consumer::create().unwrap();
        (Producer::open(fd).unwrap(), consumer)
    }

    fn drain(consumer: &mut Consumer) -> Vec<u8> {
        let mut taken = Vec::new();
        loop {
            let available = consumer.available().unwrap();
            if available == 0 {
                return taken;
            }
            let count = consumer.next(available).len();
            taken.extend_from_slice(consumer.next(count));
            consumer.take(count);
        }
    }

    #[test]
    fn bytes_come_out_in_order_however_often_they_go_around() {
        let (mut producer, mut consumer) = ends();
        let block: Vec<u8> = (0..SIZE / 3 + 7).map(|index| index as u8).collect();
        for _ in 0..7 {
            assert_eq!(producer.put(&block), block.len());
            producer.publish(false);
            assert!(drain(&mut consumer) == block);
        }
    }

    #[test]
    fn nothing_is_seen_before_it_is_published_and_nothing_is_lost_when_it_is_full() {
        let (mut producer, mut consumer) = ends();
        let block = vec![7; SIZE + 1];
        assert_eq!(producer.put(&block), SIZE);
        assert_eq!(producer.put(b"more"), 0);
        assert_eq!(consumer.available(), Ok(0));
        producer.publish(false);
        assert_eq!(drain(&mut consumer).len(), SIZE);
        assert_eq!(producer.put(b"more"), 4);
    }

    #[test]
    fn the_host_is_told_once_and_at_the_position_it_asked_for() {
        let (mut producer, mut consumer) = ends();
        producer.put(b"a");
        assert!(producer.publish(false), "a new response is always told of");
        producer.put(b"b");
        assert!(!producer.publish(false));
        consumer.told();
        assert_eq!(drain(&mut consumer), b"ab");
        consumer.want(3);
        producer.put(b"cd");
        assert!(!producer.publish(false));
        producer.put(b"e");
        assert!(producer.publish(false));
        assert_eq!(consumer.available(), Ok(3));
    }

    #[test]
    fn the_worker_is_told_when_half_of_it_is_free() {
        let (mut producer, mut consumer) = ends();
        producer.put(&vec![0; SIZE]);
        producer.publish(false);
        assert!(producer.wait_for_room());
        assert!(!consumer.take(SIZE / 2 - 1));
        assert!(consumer.take(1));
        assert!(!consumer.take(1), "it is told once");
        assert!(!producer.wait_for_room());
    }

    #[test]
    fn what_must_leave_is_told_with_the_bytes_that_must() {
        let (mut producer, mut consumer) = ends();
        for (block, flush) in [(b"a", false), (b"b", true), (b"c", false)] {
            producer.put(block);
            producer.publish(flush);
            assert_eq!(consumer.must_flush(1), flush);
            consumer.take(1);
        }
    }

    #[test]
    fn a_new_response_begins_at_the_beginning() {
        let (mut producer, mut consumer) = ends();
        producer.put(b"one");
        producer.publish(false);
        consumer.told();
        drain(&mut consumer);
        consumer.begin();
        producer.begin();
        producer.put(b"two");
        assert!(producer.publish(false));
        assert_eq!(drain(&mut consumer), b"two");
    }

    #[test]
    fn a_worker_that_counts_wrongly_is_found_out() {
        let (mut producer, mut consumer) = ends();
        producer.put(b"one");
        producer.publish(false);
        drain(&mut consumer);
        for lie in [0, 2, 3 + SIZE as u64 + 1, u64::MAX] {
            producer.page.counter(FILLED).store(lie, SeqCst);
            assert_eq!(consumer.available(), Err(Corrupt), "{lie}");
        }
    }

    #[test]
    fn the_memory_can_not_be_cut_off() {
        let (_consumer, fd) = Consumer::create().unwrap();
        assert!(std::fs::File::from(fd).set_len(0).is_err());
    }
}
