//! A runtime that was not started, or could not be.

mod harness;

use harness::{Script, load, settings, stop, try_start};
use std::time::Duration;
use wsgi_core_abi::{Bytes, MessageId, RuntimeSettings, Status};
use wsgi_python::wsgi_core_runtime as runtime;

#[test]
fn nothing_works_without_python_and_nothing_breaks() {
    assert_eq!(runtime.abi_version, wsgi_core_abi::ABI_VERSION);
    assert!(runtime.python_version.as_slice().starts_with(b"3."));

    let script = Script::evaluator();
    let refused = || {
        let response = script.request().code("").send();
        assert_eq!(
            (response.status, response.outcome.code),
            (Status::PYTHON, 500)
        );
        assert_eq!(response.problem.id, MessageId::STATE);
        assert_eq!(load(&script, "").0, Status::PYTHON);
        assert_eq!(stop(Duration::from_secs(1)), Status::OK);
    };
    refused();
    let broken = RuntimeSettings {
        python_home: Bytes::new(b"/nonexistent/python"),
        ..settings()
    };
    let (status, problem) = try_start(&broken);
    assert_eq!(
        (status, problem.id),
        (Status::PYTHON, MessageId::PYTHON_START)
    );
    assert!(
        problem
            .text
            .starts_with("Python could not be initialised: "),
        "{problem:?}"
    );
    refused();
}
