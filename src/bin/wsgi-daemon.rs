//! The supervisor of process groups, and their workers: which of the two, the process that executes it says.

fn main() {
    // SAFETY: nothing has happened in this process before.
    let code = unsafe { wsgi_core::engine::run_daemon() };
    std::process::exit(code);
}
