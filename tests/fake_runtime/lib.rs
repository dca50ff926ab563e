//! A runtime without Python: it answers with what it was given, or fails as the name of the script says. The
//! tests link it, and load it as a library as the engine does with a real one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use wsgi_core_abi::{
    ABI_VERSION, Bytes, Exchange, Head, Level, LogRecord, MessageId, Outcome, Pair, Pairs,
    Question, RawExchange, RawProblem, Request, Runtime, RuntimeSettings, SendFlags, Status,
};

/// The table.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[allow(non_upper_case_globals, reason = "the name that the engine looks up")]
pub static wsgi_core_runtime: Runtime = Runtime {
    abi_version: ABI_VERSION,
    python_version: Bytes::new(b"3.99"),
    start,
    load,
    run,
    wants_reload,
    serve,
    stop,
    publish_stopping,
    publish_signal,
    interrupt,
    probe,
    dump_stacks,
};

/// What was called, in order.
static CALLS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(call: String) {
    CALLS.lock().unwrap().push(call);
}

fn text(bytes: Bytes<'_>) -> String {
    String::from_utf8_lossy(bytes.as_slice()).into_owned()
}

unsafe extern "C" fn start(settings: *const RuntimeSettings<'_>, problem: RawProblem) -> Status {
    // SAFETY: the engine passes its settings.
    let settings = unsafe { &*settings };
    if settings.host_name.as_slice() == b"broken" {
        problem.set(MessageId::PYTHON_START, "no module named encodings");
        return Status::PYTHON;
    }
    settings
        .log
        .write(&LogRecord::plain(Level::Notice, b"fake Python started"));
    let path = settings.layers.as_slice().first();
    note(format!(
        "start threads={} processes={} optimize={} seed={} path={} host={} {:?}",
        settings.threads_per_process,
        settings.maximum_processes,
        settings.optimize,
        settings.hash_seed,
        path.map_or(0, |layer| layer.python_path.as_slice().len()),
        text(settings.host_name),
        settings.host_version,
    ));
    Status::OK
}

unsafe extern "C" fn load(script: Bytes<'_>, group: Bytes<'_>, problem: RawProblem) -> Status {
    note(format!("load {} in '{}'", text(script), text(group)));
    problem.set(MessageId::SCRIPT_RAISED, "nothing is really loaded");
    Status::APPLICATION
}

unsafe extern "C" fn run(script: Bytes<'_>, group: Bytes<'_>, _: RawProblem) -> Status {
    note(format!("run {} in '{}'", text(script), text(group)));
    Status::OK
}

/// The request that was interrupted last.
static INTERRUPTED: AtomicU64 = AtomicU64::new(u64::MAX);
/// What an application may keep for itself.
static GIL: Mutex<()> = Mutex::new(());

unsafe extern "C" fn publish_stopping(reason: Bytes<'_>) -> Status {
    eprintln!("fake process_stopping: {}", text(reason));
    Status::OK
}

unsafe extern "C" fn publish_signal(name: Bytes<'_>, number: i32) -> Status {
    eprintln!("fake process_signal: {} {number}", text(name));
    Status::OK
}

unsafe extern "C" fn interrupt(number: u64) -> Status {
    INTERRUPTED.store(number, Ordering::Release);
    Status::OK
}

unsafe extern "C" fn probe() -> Status {
    drop(GIL.lock().unwrap_or_else(PoisonError::into_inner));
    Status::OK
}

unsafe extern "C" fn dump_stacks(attach: bool) -> Status {
    eprintln!("fake stacks, attach={attach}");
    Status::OK
}

unsafe extern "C" fn wants_reload(_: *const Request<'_>) -> bool {
    false
}

unsafe extern "C" fn stop(_: u64) -> Status {
    note("stop".to_owned());
    Status::OK
}

unsafe extern "C" fn serve(
    request: *const Request<'_>,
    mut exchange: RawExchange<'_>,
    outcome: *mut Outcome,
    problem: RawProblem,
) -> Status {
    // SAFETY: the engine passes its request and a place for the outcome.
    let (request, outcome) = unsafe { (&*request, &mut *outcome) };
    if request.question != Question::NONE {
        return decide(request, &mut exchange, problem);
    }
    match request.script.as_slice() {
        b"/raise" => {
            problem.set(MessageId::APPLICATION_RAISED, "ValueError");
            Status::APPLICATION
        }
        b"/closed" => Status::CLOSED,
        b"/panic" => Status::PANIC,
        b"/override" => {
            outcome.code = 404;
            Status::OK
        }
        b"/calls" => answer(
            &mut exchange,
            outcome,
            CALLS.lock().unwrap().join("\n").as_bytes(),
        ),
        b"/late" => {
            let _ = answer(&mut exchange, outcome, b"begun");
            outcome.complete = false;
            Status::APPLICATION
        }
        b"/file" => file(&mut exchange, outcome),
        b"/pid" => answer(
            &mut exchange,
            outcome,
            std::process::id().to_string().as_bytes(),
        ),
        b"/slow" => {
            std::thread::sleep(Duration::from_millis(number(request)));
            answer(
                &mut exchange,
                outcome,
                std::process::id().to_string().as_bytes(),
            )
        }
        b"/interruptible" => interruptible(request, &mut exchange, outcome),
        b"/hold" => {
            let _gil = GIL.lock().unwrap_or_else(PoisonError::into_inner);
            std::thread::sleep(Duration::from_millis(number(request)));
            answer(&mut exchange, outcome, b"held")
        }
        b"/die" => std::process::abort(),
        b"/die-headed" => {
            head(&mut exchange, outcome, 1000);
            let _ = exchange.send(b"begun", SendFlags::FLUSH);
            std::process::abort()
        }
        b"/exit" => std::process::exit(3),
        b"/upload" => upload(&mut exchange, outcome),
        b"/duplex" => duplex(&mut exchange, outcome),
        b"/big" => big(request, &mut exchange, outcome),
        b"/answer-first" => {
            let done = answer(&mut exchange, outcome, b"early");
            let _ = exchange.read(&mut [0; 10]);
            done
        }
        b"/log" => {
            exchange.log(&LogRecord::plain(Level::Error, b"one"));
            exchange.log(&LogRecord::plain(Level::Error, b"two"));
            answer(&mut exchange, outcome, b"logged")
        }
        _ => echo(request, &mut exchange, outcome),
    }
}

/// Answers a question as the name of the script says.
fn decide(request: &Request<'_>, exchange: &mut RawExchange<'_>, problem: RawProblem) -> Status {
    let Question(question) = request.question;
    let arguments = request
        .arguments
        .map(|argument| text(argument).replace('\0', ","));
    let said = format!("{question} {arguments:?}");
    let mut values = vec![Bytes::new(said.as_bytes())];
    let code = match request.script.as_slice() {
        b"/yes" if request.question == Question::DISPATCH => {
            values = vec![
                Bytes::ABSENT,
                Bytes::new(b"chosen"),
                Bytes::new(b"%{ENV:CARGO_PKG_NAME}"),
            ];
            1
        }
        b"/yes" => 1,
        b"/no" => 2,
        b"/unknown" => 3,
        b"/nonsense" => 77,
        b"/empty" => {
            values = vec![Bytes::new(b"")];
            1
        }
        b"/nothing" => {
            values = Vec::new();
            1
        }
        b"/many" => {
            values = vec![Bytes::new(b"x"); 4];
            1
        }
        b"/response" => return answer(exchange, &mut Outcome::default(), b"a response"),
        b"/silent" => return Status::OK,
        b"/die" => std::process::abort(),
        b"/unloadable" => {
            problem.set(MessageId::SCRIPT_READ, "can't be read");
            return Status::APPLICATION;
        }
        _ => {
            problem.set(MessageId::DECIDER_RAISED, "ValueError");
            return Status::APPLICATION;
        }
    };
    let pairs: Vec<Pair<'_>> = values
        .iter()
        .map(|value| Pair {
            name: Bytes::new(b""),
            value: *value,
        })
        .collect();
    let sent = exchange.send_head(&Head {
        code,
        status: Bytes::ABSENT,
        headers: Pairs::new(&pairs),
        content_length: -1,
        error_page: true,
    });
    sent.map_or(Status::HOST, |()| Status::OK)
}

/// The number in the query string.
fn number(request: &Request<'_>) -> u64 {
    let pairs = request.environ.as_slice();
    let query = pairs
        .iter()
        .find(|pair| pair.name.as_slice() == b"QUERY_STRING");
    query.map_or(0, |pair| text(pair.value).parse().unwrap_or(0))
}

/// Goes on until it is interrupted.
fn interruptible(
    request: &Request<'_>,
    exchange: &mut RawExchange<'_>,
    outcome: &mut Outcome,
) -> Status {
    exchange.begin_application();
    for _ in 0..number(request) {
        std::thread::sleep(Duration::from_millis(1));
        if INTERRUPTED.load(Ordering::Acquire) == request.number {
            outcome.code = 504;
            return Status::APPLICATION;
        }
    }
    answer(exchange, outcome, b"left alone")
}

/// Reads everything, and answers with how much it was.
fn upload(exchange: &mut RawExchange<'_>, outcome: &mut Outcome) -> Status {
    let mut buffer = vec![0; 50_000];
    let mut sum = 0_u64;
    loop {
        match exchange.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                outcome.bytes_in += count as u64;
                sum += buffer[..count]
                    .iter()
                    .map(|byte| u64::from(*byte))
                    .sum::<u64>();
            }
            Err(_) => return Status::HOST,
        }
    }
    let text = format!("{} {sum}", outcome.bytes_in);
    answer(exchange, outcome, text.as_bytes())
}

/// Sends back each piece of the body as it comes.
fn duplex(exchange: &mut RawExchange<'_>, outcome: &mut Outcome) -> Status {
    let mut buffer = vec![0; 30_000];
    head(exchange, outcome, 0);
    loop {
        match exchange.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) if exchange.send(&buffer[..count], SendFlags::FLUSH).is_ok() => {}
            _ => return Status::HOST,
        }
    }
    if exchange.send(b"", SendFlags::END).is_err() {
        return Status::HOST;
    }
    outcome.complete = true;
    Status::OK
}

/// Sends as many bytes as it is asked for, in two ways at once.
fn big(request: &Request<'_>, exchange: &mut RawExchange<'_>, outcome: &mut Outcome) -> Status {
    let body: Vec<u8> = (0..number(request)).map(|index| index as u8).collect();
    if !head(exchange, outcome, body.len()) {
        return Status::HOST;
    }
    let (first, rest) = body.split_at(body.len() / 3);
    if exchange.send(first, SendFlags::MORE).is_err()
        || exchange.send(rest, SendFlags::END).is_err()
    {
        return Status::HOST;
    }
    outcome.complete = true;
    Status::OK
}

/// Answers with the environ, the facts beside it and the request body.
fn echo(request: &Request<'_>, exchange: &mut RawExchange<'_>, outcome: &mut Outcome) -> Status {
    let mut body = Vec::new();
    for pair in request.environ.as_slice() {
        body.extend_from_slice(pair.name.as_slice());
        body.extend_from_slice(b"=");
        body.extend_from_slice(if pair.value.is_absent() {
            b"<none>"
        } else {
            pair.value.as_slice()
        });
        body.push(b'\n');
    }
    body.extend_from_slice(
        format!(
            "group={}\ncallable={}\nhttps={}\nreloading={}\nsendfile={}\noverride={}\nmtime={}\n",
            text(request.application_group),
            text(request.callable),
            request.https,
            request.reloading,
            request.sendfile,
            request.error_override,
            request.script_mtime_us != 0,
        )
        .as_bytes(),
    );
    let mut buffer = [0; 7];
    loop {
        match exchange.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                outcome.bytes_in += count as u64;
                body.extend_from_slice(&buffer[..count]);
            }
            Err(failure) => {
                body.extend_from_slice(b"read error: ");
                body.extend_from_slice(&failure.reason);
                break;
            }
        }
    }
    exchange.log(&LogRecord::plain(Level::Error, b"from the application"));
    answer(exchange, outcome, &body)
}

fn head(exchange: &mut RawExchange<'_>, outcome: &mut Outcome, length: usize) -> bool {
    let headers = [Pair::new(b"Content-Type", b"text/plain")];
    let head = Head {
        code: 200,
        status: Bytes::from("200 OK"),
        headers: Pairs::new(&headers),
        content_length: length as i64,
        error_page: false,
    };
    outcome.application_start = 1.0;
    outcome.head_sent = exchange.send_head(&head).is_ok();
    outcome.code = 200;
    outcome.head_sent
}

fn answer(exchange: &mut RawExchange<'_>, outcome: &mut Outcome, body: &[u8]) -> Status {
    if !head(exchange, outcome, body.len()) || exchange.send(body, SendFlags::END).is_err() {
        return Status::HOST;
    }
    outcome.bytes_out = body.len() as u64;
    outcome.complete = true;
    Status::OK
}

/// Answers with a part of this process's own program.
fn file(exchange: &mut RawExchange<'_>, outcome: &mut Outcome) -> Status {
    use std::os::fd::AsRawFd;
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let length = 200_000;
    if !head(exchange, outcome, length)
        || exchange
            .send_file(file.as_raw_fd(), 4, length as u64, SendFlags::END)
            .is_err()
    {
        return Status::HOST;
    }
    outcome.bytes_out = length as u64;
    outcome.complete = true;
    Status::OK
}
