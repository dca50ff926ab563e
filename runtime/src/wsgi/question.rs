//! A question about a request, from the exchange to a script and back.
#![forbid(unsafe_code)]

use super::environ;
use super::errors::ErrorsStream;
use super::transaction::Transaction;
use super::types::Types;
use crate::python::{Gil, GilCell, Interpreter, Object, Pass, Raised, clear};
use wsgi_core_abi::{
    Bytes, Exchange, Head, MessageId, Pair, Pairs, RawExchange, Request, Status, Verdict,
};

/// What a script answers.
#[derive(Debug)]
pub struct Answer {
    /// Yes or no.
    pub verdict: Verdict,
    /// What goes with it.
    pub values: Vec<Option<Vec<u8>>>,
}

/// Asks on this thread. `ask` runs attached, inside the request's scope; what made it fail it has logged.
pub fn answer(
    pass: &Pass,
    interpreter: &Interpreter,
    types: &GilCell<Types>,
    request: &Request<'_>,
    exchange: RawExchange<'_>,
    ask: impl FnOnce(Gil<'_>, &Object) -> Result<Answer, MessageId>,
) -> Result<Status, MessageId> {
    let transaction = Transaction::open(request, exchange);
    let answer = interpreter.attach(pass, |gil, locals| {
        let _scope = transaction.enter();
        let types = types.get(gil);
        let environ = environ::for_question(gil, locals, types, request, &transaction);
        let answer = environ
            .map_err(|Raised| {
                clear(gil);
                MessageId::INTERPRETER
            })
            .and_then(|(environ, _native)| ask(gil, &environ));
        locals.get(ErrorsStream::default).end(types);
        // The log cannot refuse a line while the request lasts.
        let _ = transaction.flush_line(gil);
        answer
    })?;
    let sent = transaction.with_exchange_detached(|exchange| send(exchange, &answer));
    Ok(match sent {
        Ok(Ok(())) => Status::OK,
        _ => Status::HOST,
    })
}

fn send(exchange: &mut RawExchange<'_>, answer: &Answer) -> Result<(), wsgi_core_abi::Failure> {
    let values = answer.values.iter().map(|value| Pair {
        name: Bytes::new(b""),
        value: value.as_deref().map_or(Bytes::ABSENT, Bytes::new),
    });
    let pairs: Vec<Pair<'_>> = values.collect();
    exchange.send_head(&Head {
        code: answer.verdict.0,
        status: Bytes::ABSENT,
        headers: Pairs::new(&pairs),
        content_length: -1,
        error_page: true,
    })
}
