//! The board of accepted requests.

use super::super::{Board, Error, Layout};
use super::LAYOUT;

#[test]
fn what_a_worker_marks_a_host_sees() {
    let board = Board::create(LAYOUT).unwrap();
    let clone = || board.fd().try_clone_to_owned().unwrap();
    let worker = Board::open_for_worker(clone(), LAYOUT).unwrap();
    let host = Board::open_for_host(clone(), LAYOUT).unwrap();
    assert!(!host.is_marked(3, 7, 42));
    assert!(worker.mark(3, 7, 42));
    assert!(host.is_marked(3, 7, 42));
    assert!(!host.is_marked(3, 7, 41) && !host.is_marked(3, 6, 42));
}

#[test]
fn a_request_runs_until_its_thread_is_free() {
    let board = Board::create(LAYOUT).unwrap();
    assert!(!board.is_running(3, 7, 42));
    assert!(board.mark(3, 7, 42));
    assert!(board.is_running(3, 7, 42) && !board.is_running(3, 7, 41));
    board.finish(3, 7, 42);
    assert!(!board.is_running(3, 7, 42) && board.is_marked(3, 7, 42));
    // The thread before may be late with it.
    assert!(board.mark(3, 7, 43));
    assert!(board.is_running(3, 7, 43));
}

#[test]
fn what_is_not_there_is_not_marked() {
    let board = Board::create(LAYOUT).unwrap();
    assert!(!board.mark(4, 0, 1) && !board.mark(0, 8, 1) && !board.mark(0, 0, 0));
    assert!(!board.is_marked(4, 0, 0));
    let host = Board::open_for_host(board.fd().try_clone_to_owned().unwrap(), LAYOUT).unwrap();
    assert!(!host.mark(0, 0, 1));
    host.finish(0, 0, 1);
    board.finish(4, 0, 1);
    let other = Layout { rows: 5, ..LAYOUT };
    let opened = Board::open_for_host(board.fd().try_clone_to_owned().unwrap(), other);
    assert!(matches!(opened, Err(Error::Foreign)));
}
