//! What the wire and admission cost for a small request: `cargo bench --bench daemon`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wsgi_core::daemon::slots::{Claimer, Layout, Supervisor, Table};
use wsgi_core::daemon::wire::{
    Client, Decoder, End, Frame, Identity, Order, Reply, Server, Ticket,
};
use wsgi_core_abi::{Bytes, Head, Level, MessageId, Outcome, Pair, Pairs, Request, SendFlags};

const WORKER: Identity = Identity {
    row: 0,
    generation: 1,
};

/// Runs `work` for a while and prints what one run takes: the best of several rounds.
fn measure(name: &str, mut work: impl FnMut()) {
    let mut best = Duration::MAX;
    const RUNS: u32 = 20_000;
    for _ in 0..20 {
        let start = Instant::now();
        (0..RUNS).for_each(|_| work());
        best = best.min(start.elapsed());
    }
    println!(
        "{name:40} {:8.0} ns",
        best.as_nanos() as f64 / f64::from(RUNS)
    );
}

/// The names and values of a typical GET.
fn environ() -> Vec<(Vec<u8>, Vec<u8>)> {
    let pair = |number: usize| {
        let name = format!("HTTP_X_VARIABLE_{number}");
        (name.into_bytes(), vec![b'v'; 3 + number * 7 % 40])
    };
    (0..40).map(pair).collect()
}

fn request<'a>(environ: &'a [Pair<'a>]) -> Request<'a> {
    Request {
        script: Bytes::new(b"/srv/www/application.wsgi"),
        script_mtime_us: 1,
        application_group: Bytes::new(b""),
        callable: Bytes::new(b"application"),
        environ: Pairs::new(environ),
        filename: Bytes::new(b"/srv/www/application.wsgi"),
        https: false,
        reloading: true,
        sendfile: true,
        error_override: false,
        ignore_activity: false,
        number: 0,
        request_start: 1.0,
        queue_start: 1.0,
        daemon_start: 0.0,
        native: wsgi_core_abi::NativeRequest::NONE,
        question: wsgi_core_abi::Question::NONE,
        arguments: [wsgi_core_abi::Bytes::ABSENT; 2],
    }
}

/// Puts what was "sent" into the other side's decoder: the copy that the kernel would make.
fn receive(decoder: &mut Decoder, bytes: &[u8], mut take: impl FnMut(Frame<'_>)) {
    decoder.space()[..bytes.len()].copy_from_slice(bytes);
    decoder.filled(bytes.len());
    while let Some(frame) = decoder.frame().expect("a frame") {
        take(frame);
    }
}

fn main() {
    wire();
    admission();
}

fn wire() {
    let owned = environ();
    let pairs: Vec<_> = owned
        .iter()
        .map(|(name, value)| Pair::new(name, value))
        .collect();
    let request = request(&pairs);
    let (mut to_worker, mut to_host) = (Vec::new(), Vec::new());
    let mut client = Client::connect(WORKER, &mut to_worker).expect("a greeting");
    let mut server = Server::accept(WORKER, &mut to_host).expect("a greeting");
    let (mut at_worker, mut at_host) = (Decoder::new(65536), Decoder::new(65536));
    receive(&mut at_worker, &to_worker, |frame| {
        drop(server.receive(frame))
    });
    receive(&mut at_host, &to_host, |frame| drop(client.receive(frame)));
    let (mut sent, mut answered) = (Duration::ZERO, Duration::ZERO);
    let mut runs = 0_u32;
    let mut cycle = || {
        let start = Instant::now();
        to_worker.clear();
        let ticket = Ticket { slot: 0, serial: 1 };
        client
            .request(&mut to_worker, &request, Level::Info, ticket, b"", true)
            .expect("idle");
        receive(&mut at_worker, &to_worker, |frame| {
            let Ok(Order::Request(head)) = server.receive(frame) else {
                panic!("not a request")
            };
            black_box(head.request());
        });
        let middle = Instant::now();
        to_host.clear();
        answer(&mut server, &mut to_host);
        receive(&mut at_host, &to_host, |frame| {
            match client.receive(frame).expect("a reply") {
                Reply::Head(head) => drop(black_box(head)),
                other => drop(black_box(other)),
            }
        });
        sent += middle - start;
        answered += middle.elapsed();
        runs += 1;
    };
    measure("whole exchange, 40 variables", &mut cycle);
    println!(
        "  request encoded and decoded, on average {:6} ns",
        sent.as_nanos() / u128::from(runs)
    );
    println!(
        "  response encoded and decoded, on average {:5} ns",
        answered.as_nanos() / u128::from(runs)
    );
}

fn answer(server: &mut Server, out: &mut Vec<u8>) {
    let headers = [
        Pair::new(b"Content-Type", b"text/plain"),
        Pair::new(b"Content-Length", b"12"),
    ];
    let head = Head {
        code: 200,
        status: Bytes::new(b"200 OK"),
        headers: Pairs::new(&headers),
        content_length: 12,
        error_page: false,
    };
    server.accepted(out, true).expect("a request");
    server.head(out, &head).expect("accepted");
    let body = b"Hello World!";
    out.extend_from_slice(&server.block(body.len(), SendFlags::END).expect("a head"));
    out.extend_from_slice(body);
    let outcome = Outcome {
        head_sent: true,
        complete: true,
        code: 200,
        ..Outcome::default()
    };
    server
        .end(
            out,
            &End {
                outcome,
                id: MessageId::NONE,
                text: Bytes::ABSENT,
            },
        )
        .expect("a request");
}

fn admission() {
    let layout = Layout {
        rows: 4,
        slots: 15,
        members: 64,
        waiters: 1024,
    };
    let table = Arc::new(Table::create(layout).expect("memory"));
    let supervisor = Supervisor::attach(table.clone()).expect("the only one");
    for row in 0..2 {
        supervisor.starting(row, 1, 15).expect("a row");
        supervisor.ready(row).expect("a row");
    }
    let claimer = Claimer::attach(table).expect("a place");
    measure("claim and release, alone", || drop(claimer.claim(None)));
    let held: Vec<_> = (0..29).map(|_| claimer.claim(None)).collect();
    measure("claim and release, 29 of 30 taken", || {
        drop(claimer.claim(None))
    });
    contended(&claimer, 2);
    contended(&claimer, 8);
    drop(held);
}

/// One slot is left: with every release the next in the queue is woken.
fn contended(claimer: &Claimer, threads: u32) {
    const RUNS: u32 = 20_000;
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..RUNS / threads).for_each(|_| drop(claimer.claim(None))));
        }
    });
    let each = start.elapsed().as_nanos() as f64 / f64::from(RUNS);
    println!(
        "{:40} {each:8.0} ns",
        format!("one slot handed on among {threads} threads")
    );
}
