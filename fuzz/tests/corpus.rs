//! Each target on its corpus, and for some seconds on inputs made from it: `FUZZ_SECONDS`, 2 unless set, is for
//! all of them together.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::{Duration, Instant};

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 5] = [
    ("headers", wsgi_core_fuzz::headers),
    ("paths", wsgi_core_fuzz::paths),
    ("proxies", wsgi_core_fuzz::proxies),
    ("wire_to_host", wsgi_core_fuzz::wire_to_host),
    ("wire_to_worker", wsgi_core_fuzz::wire_to_worker),
];
const LONGEST: usize = 4096;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let files = std::fs::read_dir(&directory).expect("a target has a corpus");
    files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect()
}

/// Runs a target, and tells the input when it panics.
fn run((name, target): Target, input: &[u8]) {
    if std::panic::catch_unwind(|| target(input)).is_err() {
        panic!("{name} fails with b\"{}\"", input.escape_ascii());
    }
}

/// Numbers that look random (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    /// An input of the corpus with some changes.
    fn mutate(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(6) {
            let at = self.below(input.len() + 1);
            match self.below(6) {
                0 => input.insert(at, self.below(256) as u8),
                1 => drop(input.splice(at..(at + self.below(8)).min(input.len()), [])),
                2 => input.truncate(at),
                3 => {
                    // A piece of an input, which may be the same.
                    let other = &corpus[self.below(corpus.len())];
                    let from = self.below(other.len() + 1);
                    let to = from + self.below(other.len() - from + 1);
                    drop(input.splice(at..at, other[from..to].iter().copied()));
                }
                4 if at < input.len() => input[at] ^= 1 << self.below(8),
                _ if at < input.len() => input[at] = self.below(256) as u8,
                _ => {}
            }
        }
        input.truncate(LONGEST);
        input
    }
}

#[test]
fn every_target_survives_its_corpus() {
    for target in TARGETS {
        for input in corpus(target.0) {
            run(target, &input);
        }
    }
}

#[test]
fn every_target_survives_changes_of_its_corpus() {
    let seconds = std::env::var("FUZZ_SECONDS").map_or(2.0, |text| text.parse().unwrap());
    let share = Duration::from_secs_f64(seconds) / TARGETS.len() as u32;
    for target in TARGETS {
        let corpus = corpus(target.0);
        let mut numbers = Numbers(RandomState::new().hash_one(target.0) | 1);
        let start = Instant::now();
        while start.elapsed() < share {
            run(target, &numbers.mutate(&corpus));
        }
    }
}
