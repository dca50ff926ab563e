//! The order of the gateway's calls on an exchange, and what it does when one of them fails.

mod harness;

use harness::{Script, start};
use wsgi_core_abi::{
    Bytes, Exchange, Failure, Head, Level, LogRecord, Outcome, Pair, Pairs, Problem, RawExchange,
    RawProblem, ReadFailure, Request, SendFlags, Status,
};
use wsgi_python::wsgi_core_runtime as runtime;

/// What the host was asked to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Did {
    Read(usize),
    Head(u16, i64),
    ErrorPage(u16, String),
    Send(Vec<u8>, u32),
    File(u64, u64, u32),
    Log(String),
}

/// A host that can be made to fail at its n-th call.
#[derive(Default)]
struct Host {
    did: Vec<Did>,
    body: Vec<u8>,
    fail_at: Option<usize>,
    /// Header fields of the response.
    fields: String,
}

/// The header fields, one after the other.
fn names(head: &Head<'_>) -> String {
    let text = |bytes: Bytes<'_>| String::from_utf8_lossy(bytes.as_slice()).into_owned();
    let fields = head.headers.as_slice().iter();
    let fields = fields.map(|field| format!("{}={}", text(field.name), text(field.value)));
    fields.collect::<Vec<_>>().join(" | ")
}

impl Host {
    fn note(&mut self, did: Did) -> Result<(), Failure> {
        self.did.push(did);
        let calls = self.did.iter().filter(|did| !matches!(did, Did::Log(_)));
        if Some(calls.count()) == self.fail_at {
            return Err(Failure);
        }
        Ok(())
    }

    /// Everything but the log.
    fn calls(&self) -> Vec<Did> {
        let calls = self.did.iter().filter(|did| !matches!(did, Did::Log(_)));
        calls.cloned().collect()
    }

    fn log(&self) -> String {
        let lines = self.did.iter().filter_map(|did| match did {
            Did::Log(text) => Some(text.as_str()),
            _ => None,
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Exchange for Host {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        let count = buffer.len().min(self.body.len());
        let reason = b"connection reset".to_vec();
        self.note(Did::Read(count))
            .map_err(|Failure| ReadFailure { reason })?;
        buffer[..count].copy_from_slice(&self.body[..count]);
        self.body.drain(..count);
        Ok(count)
    }
    fn send_head(&mut self, head: &Head<'_>) -> Result<(), Failure> {
        if head.error_page {
            return self.note(Did::ErrorPage(head.code, names(head)));
        }
        self.fields = names(head);
        self.note(Did::Head(head.code, head.content_length))
    }
    fn send(&mut self, data: &[u8], flags: SendFlags) -> Result<(), Failure> {
        self.note(Did::Send(data.to_vec(), flags.0))
    }
    fn send_file(
        &mut self,
        _: i32,
        offset: u64,
        length: u64,
        flags: SendFlags,
    ) -> Result<(), Failure> {
        self.note(Did::File(offset, length, flags.0))
    }
    fn is_aborted(&mut self) -> bool {
        false
    }
    fn log(&mut self, record: &LogRecord<'_>) {
        let text = String::from_utf8_lossy(record.text.as_slice()).into_owned();
        self.did.push(Did::Log(text));
    }
    fn log_level(&mut self) -> Level {
        Level::Warning
    }
}

/// Serves a request with an application whose body is `code`.
fn serve(host: &mut Host, code: &str) -> (Status, Outcome) {
    serve_with(host, code, |_| ())
}

fn serve_with(
    host: &mut Host,
    code: &str,
    adjust: impl FnOnce(&mut Request<'_>),
) -> (Status, Outcome) {
    start();
    let body: String = code.lines().map(|line| format!("    {line}\n")).collect();
    let script = Script::new(&format!(
        "def application(environ, start_response):\n{body}"
    ));
    let pairs = [Pair::new(b"REQUEST_METHOD", b"POST")];
    let mut request = Request {
        script: Bytes::from(script.path()),
        script_mtime_us: 0,
        application_group: Bytes::from(""),
        callable: Bytes::from("application"),
        environ: Pairs::new(&pairs),
        filename: Bytes::from("/srv/file"),
        https: false,
        reloading: true,
        sendfile: false,
        error_override: false,
        ignore_activity: false,
        number: 0,
        request_start: 1.0,
        queue_start: 0.0,
        daemon_start: 0.0,
        native: wsgi_core_abi::NativeRequest::NONE,
        question: wsgi_core_abi::Question::NONE,
        arguments: [wsgi_core_abi::Bytes::ABSENT; 2],
    };
    adjust(&mut request);
    let (mut outcome, mut problem) = (Outcome::default(), Problem::default());
    // SAFETY: everything passed lives for the call.
    let status = unsafe {
        let exchange = RawExchange::new(host);
        (runtime.serve)(
            &raw const request,
            exchange,
            &raw mut outcome,
            RawProblem::new(&mut problem),
        )
    };
    (status, outcome)
}

const OK: &str = "start_response('200 OK', [])\n";
const MORE: u32 = 0;
const FLUSH: u32 = 1;
const END: u32 = 2;

fn sent(data: &str, flags: u32) -> Did {
    Did::Send(data.as_bytes().to_vec(), flags)
}

#[test]
fn a_small_list_leaves_with_its_head_and_the_end_in_one_piece() {
    let mut host = Host::default();
    let (status, outcome) = serve(&mut host, &format!("{OK}return [b'ab', b'', b'c']"));
    assert_eq!(host.calls(), [Did::Head(200, -1), sent("abc", END)]);
    assert_eq!(status, Status::OK);
    assert!(outcome.complete && outcome.head_sent);
    assert_eq!((outcome.code, outcome.bytes_out), (200, 3));
}

#[test]
fn a_large_list_is_sent_without_flushes_in_between() {
    let mut host = Host::default();
    serve(
        &mut host,
        &format!("{OK}return [b'a' * 40000, b'b' * 40000]"),
    );
    let flags: Vec<_> = host.calls()[1..]
        .iter()
        .map(|did| match did {
            Did::Send(data, flags) => (data.len(), *flags),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(flags, [(40000, MORE), (40000, MORE), (0, END)]);
}

#[test]
fn each_yielded_block_is_flushed() {
    let mut host = Host::default();
    serve(&mut host, &format!("{OK}return iter([b'a', b'', b'b'])"));
    let expected = [
        Did::Head(200, -1),
        sent("a", FLUSH),
        sent("b", FLUSH),
        sent("", END),
    ];
    assert_eq!(host.calls(), expected);
}

#[test]
fn written_data_is_flushed_before_the_application_goes_on() {
    let mut host = Host::default();
    let code = "write = start_response('200 OK', [])\nwrite(b'x')\nreturn [b'y']";
    serve(&mut host, code);
    let expected = [
        Did::Head(200, -1),
        sent("x", FLUSH),
        sent("y", MORE),
        sent("", END),
    ];
    assert_eq!(host.calls(), expected);
}

#[test]
fn an_empty_response_sends_its_head() {
    let mut host = Host::default();
    let (status, outcome) = serve(&mut host, "start_response('204 No Content', [])\nreturn []");
    assert_eq!(host.calls(), [Did::Head(204, -1), sent("", END)]);
    assert_eq!(
        (status, outcome.code, outcome.complete),
        (Status::OK, 204, true)
    );
}

#[test]
fn a_broken_response_never_gets_an_end() {
    for code in [
        "start_response('200 OK', [('Content-Length', '9')])\nreturn [b'short']",
        "start_response('200 OK', [('Content-Length', '9')])\nreturn iter([b'short'])",
        "start_response('200 OK', [])\nyield b'a'\nraise ValueError",
        "start_response('200 OK', [])\nreturn [b'a', 'text']",
        "start_response('200 OK', [])(b'a')\nraise ValueError",
    ] {
        let mut host = Host::default();
        let (status, outcome) = serve(&mut host, code);
        assert_eq!(status, Status::APPLICATION, "{code}");
        assert!(outcome.head_sent && !outcome.complete, "{code}");
        let ends = |did: &Did| matches!(did, Did::Send(_, flags) if flags & END != 0);
        assert!(!host.calls().iter().any(ends), "{code}");
    }
}

#[test]
fn what_exceeds_the_content_length_is_cut_and_logged_once() {
    let mut host = Host::default();
    let code =
        "start_response('200 OK', [('Content-Length', '3')])\nreturn iter([b'ab', b'cd', b'ef'])";
    let (status, _) = serve(&mut host, code);
    assert_eq!(status, Status::OK);
    let expected = [
        Did::Head(200, 3),
        sent("ab", FLUSH),
        sent("c", FLUSH),
        sent("", END),
    ];
    assert_eq!(host.calls(), expected);
    assert_eq!(host.log().matches("WC0053: [script /srv/file]").count(), 1);
}

#[test]
fn nothing_is_sent_when_the_application_raises_first() {
    for code in [
        "raise ValueError('x')",
        "return []",
        "start_response('200 OK', [('Content-Length', 'x')])\nreturn [b'a']",
        "start_response('200 OK', [])\nreturn None",
        "start_response('200 OK', [])\nreturn ['text']",
        "start_response('200 OK', [])\nraise SystemExit",
    ] {
        let mut host = Host::default();
        let (status, outcome) = serve(&mut host, code);
        assert_eq!(status, Status::APPLICATION, "{code}");
        assert_eq!((outcome.code, outcome.head_sent), (500, false), "{code}");
        assert_eq!(host.calls(), [], "{code}");
    }
}

#[test]
fn a_failing_host_ends_the_request_and_still_closes_the_iterable() {
    let code = "
class Body:
    def __iter__(self):
        yield b'a'
        yield b'b'
    def close(self):
        environ['wsgi.errors'].write('closed\\n')
start_response('200 OK', [])
return Body()";
    for calls in 1..=4 {
        let fail_at = Some(calls);
        let mut host = Host {
            fail_at,
            ..Host::default()
        };
        let (status, outcome) = serve(&mut host, code);
        assert_eq!(status, Status::HOST, "failing at call {calls}");
        assert!(!outcome.complete);
        assert_eq!(host.calls().len(), calls, "nothing is sent after a failure");
        assert!(host.log().contains("closed"));
    }
}

#[test]
fn a_client_that_goes_away_is_no_error_of_the_application() {
    let mut host = Host {
        fail_at: Some(1),
        ..Host::default()
    };
    let (status, _) = serve(&mut host, "start_response('200 OK', [])(b'a')\nreturn []");
    assert_eq!(status, Status::HOST);
    assert_eq!(host.log(), "");
}

#[test]
fn reading_asks_the_host_until_the_end_and_not_beyond() {
    let mut host = Host {
        body: b"hello\nworld".to_vec(),
        ..Host::default()
    };
    let code = "
read = environ['wsgi.input'].read
start_response('200 OK', [])
return [read(3), b'|', environ['wsgi.input'].readline(), b'|', read(), read(), read(5)]";
    let (_, outcome) = serve(&mut host, code);
    assert_eq!(host.calls().last(), Some(&sent("hel|lo\n|world", END)));
    let reads = host
        .calls()
        .iter()
        .filter(|did| matches!(did, Did::Read(_)))
        .count();
    assert_eq!(reads, 3, "3 bytes, the rest, the end: {:?}", host.calls());
    assert_eq!(outcome.bytes_in, 11);
}

#[test]
fn a_failed_read_raises_and_fails_again() {
    let mut host = Host {
        fail_at: Some(1),
        ..Host::default()
    };
    let code = "
seen = []
for _ in range(2):
    try:
        environ['wsgi.input'].read()
    except OSError as error:
        seen.append(str(error))
start_response('200 OK', [])
return ['; '.join(seen).encode()]";
    serve(&mut host, code);
    let message = "mod_wsgi request data read error: connection reset";
    let expected = sent(&format!("{message}; {message}"), END);
    assert_eq!(host.calls().last(), Some(&expected));
}

#[test]
fn an_overridden_error_sends_nothing_but_what_its_page_needs() {
    for body in [
        "[b'own page']",
        "iter([b'own', b'page'])",
        "[]",
        "[b'x' * 70000, b'y']",
    ] {
        let code = format!(
            "start_response('401 No', [('WWW-Authenticate', 'Basic'), ('X-A', 'b')])\nreturn {body}"
        );
        let mut host = Host::default();
        let (status, outcome) =
            serve_with(&mut host, &code, |request| request.error_override = true);
        assert_eq!(status, Status::OK, "{body}: {}", host.log());
        assert_eq!(
            (outcome.code, outcome.head_sent, outcome.bytes_out),
            (401, false, 0)
        );
        let expected = [Did::ErrorPage(401, "WWW-Authenticate=Basic".to_owned())];
        assert_eq!(host.calls(), expected, "{body}");
    }
}

#[test]
fn an_error_that_is_not_overridden_is_sent() {
    let mut host = Host::default();
    serve(
        &mut host,
        "start_response('503 Busy', [])\nreturn [b'own page']",
    );
    assert_eq!(host.calls(), [Did::Head(503, -1), sent("own page", END)]);
}

#[test]
fn repeated_fields_are_joined_unless_they_cannot_be() {
    let mut host = Host::default();
    let code = "
start_response('200 OK', [('Vary', 'a'), ('Set-Cookie', 'x=1'), ('vary', 'b'), ('Set-Cookie', 'y=2'),
                          ('Content-Type', 'text/plain'), ('Content-Type', 'text/html')])
return []";
    serve(&mut host, code);
    let expected = "Vary=a, b | Set-Cookie=x=1 | Set-Cookie=y=2 | Content-Type=text/html";
    assert_eq!(host.fields, expected);
}

#[test]
fn many_fields_are_joined_by_the_same_rule() {
    let mut host = Host::default();
    let code = "
fields = [('X-%d' % number, 'a') for number in range(100)]
start_response('200 OK', fields + [('x-99', 'b'), ('X-3', 'c')])
return []";
    serve(&mut host, code);
    assert_eq!(host.fields.matches('|').count(), 99);
    assert!(host.fields.contains("X-3=a, c |") && host.fields.ends_with("X-99=a, b"));
}

#[test]
fn no_response_ends_with_an_informational_status() {
    let mut host = Host::default();
    let (status, outcome) = serve(&mut host, "start_response('100 Continue', [])\nreturn []");
    assert_eq!((status, outcome.code), (Status::APPLICATION, 500));
    assert_eq!(host.calls(), []);
}

#[test]
fn a_file_is_left_to_the_host_from_where_it_stands() {
    let mut host = Host::default();
    let code = "
import tempfile
file = tempfile.TemporaryFile()
file.write(b'0123456789')
file.seek(4)
start_response('200 OK', [])
return environ['wsgi.file_wrapper'](file)";
    let (status, outcome) = serve(&mut host, code);
    assert_eq!(status, Status::OK, "{}", host.log());
    assert_eq!(host.calls(), [Did::Head(200, 6), Did::File(4, 6, END)]);
    assert_eq!(outcome.bytes_out, 6);
}

#[test]
fn objects_of_a_request_refuse_work_after_it() {
    let mut host = Host::default();
    let keep = "
import sys
sys.kept = (environ['wsgi.input'], environ['wsgi.errors'], start_response)
start_response('200 OK', [])
return []";
    serve(&mut host, keep);
    let code = "
import sys
seen = []
def attempt(function, *args):
    try:
        function(*args)
    except RuntimeError:
        seen.append('refused')
attempt(sys.kept[0].read)
attempt(sys.kept[1].write, 'x\\n')
attempt(sys.kept[2], '200 OK', [])
attempt(sys.kept[2].__self__.write, b'x')
start_response('200 OK', [])
return [' '.join(seen).encode()]";
    let mut host = Host::default();
    serve(&mut host, code);
    let expected = sent("refused refused refused refused", END);
    assert_eq!(host.calls().last(), Some(&expected), "{}", host.log());
}

#[test]
fn a_line_is_logged_when_it_ends_or_is_flushed() {
    let mut host = Host::default();
    let code = "
errors = environ['wsgi.errors']
errors.write('one\\ntwo')
errors.write(' three\\n')
errors.write('four')
errors.flush()
errors.write('five')
start_response('200 OK', [])
return []";
    serve(&mut host, code);
    let lines: Vec<_> = host
        .log()
        .lines()
        .map(|line| line.replace("[script /srv/file] ", ""))
        .collect();
    assert_eq!(lines, ["one", "two three", "four", "five"]);
}

#[test]
fn the_first_write_sends_the_head_even_when_it_writes_nothing() {
    let mut host = Host::default();
    serve(
        &mut host,
        "start_response('200 OK', [])(b'')\nstart_response('404 No', [])\nreturn []",
    );
    assert_eq!(host.calls(), [Did::Head(200, -1), sent("", FLUSH)]);
    assert!(host.log().contains("RuntimeError"));
}

#[test]
fn strings_of_a_request_cannot_replace_what_the_gateway_sets() {
    let mut host = Host::default();
    let pairs = [
        Pair::new(b"wsgi.version", b"evil"),
        Pair::new(b"wsgi.input", b"evil"),
        Pair::new(b"mod_wsgi.thread_id", b"evil"),
    ];
    let code = "
start_response('200 OK', [])
return [str('evil' in environ.values()).encode()]";
    for _ in 0..2 {
        host = Host::default();
        serve_with(&mut host, code, |request| {
            // SAFETY: the pairs live for the whole test.
            request.environ =
                unsafe { std::mem::transmute::<Pairs<'_>, Pairs<'_>>(Pairs::new(&pairs)) };
        });
    }
    assert_eq!(host.calls().last(), Some(&sent("False", END)));
}
