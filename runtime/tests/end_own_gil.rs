//! The end of interpreters that have a GIL of their own, under load.

mod harness;

use wsgi_core_abi::{Flag, InterpreterLayer, RuntimeSettings, Slice};

#[test]
fn python_ends_under_load_once() {
    const OWN: InterpreterLayer<'_> = InterpreterLayer {
        own_gil: Flag::ON,
        ..InterpreterLayer::EMPTY
    };
    harness::end::python_ends_under_load_once(|| RuntimeSettings {
        layers: Slice::new(&[OWN]),
        free_threading: false,
        ..harness::settings()
    });
}
