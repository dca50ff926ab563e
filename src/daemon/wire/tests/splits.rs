//! A whole conversation, cut at every point.

use super::super::{Client, Error, Frame, Server};
use super::super::{Decoder, Order, Reply};
use super::WORKER;
use super::corpus;
use super::feed;

/// What a side made of a conversation: one line per frame, the pieces of a block joined.
fn story(
    bytes: &[u8],
    cuts: &[usize],
    mut tell: impl FnMut(Frame<'_>) -> Result<String, Error>,
) -> Vec<String> {
    let (mut lines, mut decoder, mut from) = (Vec::<String>::new(), Decoder::new(64), 0);
    for to in cuts.iter().copied().chain([bytes.len()]) {
        let mut take = |frame: Frame<'_>| {
            let (first, line) = (frame.first, tell(frame)?);
            match lines.last_mut() {
                Some(last) if !first => last.push_str(&line),
                _ => lines.push(line),
            }
            Ok(())
        };
        feed(&mut decoder, &bytes[from..to], &mut take).unwrap();
        from = to;
    }
    assert!(decoder.is_empty());
    lines
}

fn worker_story(bytes: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut server = Server::accept(WORKER, &mut Vec::new()).unwrap();
    story(bytes, cuts, |frame| {
        Ok(match server.receive(frame)? {
            Order::Request(head) => {
                let line = format!("{head:?}");
                server.accepted(&mut Vec::new(), false)?;
                server.grant(&mut Vec::new(), 1000)?;
                line
            }
            Order::Body { bytes, last } => {
                format!("{}{}", bytes.escape_ascii(), if last { "." } else { "" })
            }
            other => format!("{other:?}"),
        })
    })
}

fn host_story(bytes: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut client = corpus::waiting_client();
    story(bytes, cuts, |frame| {
        Ok(match client.receive(frame)? {
            Reply::Data(bytes, flags) => {
                format!(
                    "{}{}",
                    bytes.escape_ascii(),
                    if flags.0 > 0 { "." } else { "" }
                )
            }
            other => format!("{other:?}"),
        })
    })
}

#[test]
fn a_worker_understands_the_same_wherever_the_bytes_are_cut() {
    let bytes = corpus::to_worker();
    let whole = worker_story(&bytes, &[]);
    assert_eq!(whole.len(), 8);
    for cut in 0..=bytes.len() {
        assert_eq!(worker_story(&bytes, &[cut]), whole, "cut at {cut}");
        assert_eq!(
            worker_story(&bytes, &[cut / 2, cut]),
            whole,
            "cut at {} and {cut}",
            cut / 2
        );
    }
}

#[test]
fn a_host_understands_the_same_wherever_the_bytes_are_cut() {
    let bytes = corpus::to_host();
    let whole = host_story(&bytes, &[]);
    assert_eq!(whole.len(), 10);
    for cut in 0..=bytes.len() {
        assert_eq!(host_story(&bytes, &[cut]), whole, "cut at {cut}");
        assert_eq!(
            host_story(&bytes, &[cut / 2, cut]),
            whole,
            "cut at {} and {cut}",
            cut / 2
        );
    }
}

/// The state a client is in before the corpus is only the connection; see `corpus`.
#[test]
fn a_truncated_conversation_is_waited_for() {
    let bytes = corpus::to_host();
    for cut in 0..bytes.len() {
        let mut client: Client = corpus::waiting_client();
        let mut ended = false;
        let mut decoder = Decoder::new(64);
        feed(&mut decoder, &bytes[..cut], &mut |frame| {
            ended |= matches!(client.receive(frame)?, Reply::End(_));
            Ok(())
        })
        .unwrap();
        assert!(!ended && !client.is_idle(), "cut at {cut}");
    }
}
