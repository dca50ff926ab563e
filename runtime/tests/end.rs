//! The end of Python, under load.

mod harness;

#[test]
fn python_ends_under_load_once() {
    harness::end::python_ends_under_load_once(harness::settings);
}
