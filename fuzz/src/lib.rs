//! The fuzz targets: what each does with one input. It must not panic.
//!
//! `cargo fuzz` runs them guided by coverage; the tests of this crate run each on its corpus and for some seconds on
//! inputs made from it, with any compiler.

/// Only the protocol is built here, not the engine around it.
#[path = "../../src/daemon/wire/mod.rs"]
pub mod wire;

mod targets;

pub use targets::headers::run as headers;
pub use targets::paths::run as paths;
pub use targets::proxies::run as proxies;
pub use targets::wire_to_host::run as wire_to_host;
pub use targets::wire_to_worker::run as wire_to_worker;

/// The program of a target, which only `cargo fuzz` can run.
#[macro_export]
macro_rules! program {
    ($target:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|input: &[u8]| $crate::$target(input));

        #[cfg(not(fuzzing))]
        fn main() {
            panic!("to be run by cargo fuzz");
        }
    };
}
