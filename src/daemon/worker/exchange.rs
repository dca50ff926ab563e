//! One HTTP exchange over the wire.

use super::activity::Activity;
use super::stream::Stream;
use std::os::fd::BorrowedFd;
use wsgi_core_abi::{Exchange, Failure, Head, Level, LogRecord, ReadFailure, SendFlags};

use super::super::sys::fd;
use super::super::wire::limit;

/// The exchange that an application in a worker has.
#[derive(Debug)]
pub struct WorkerExchange<'s> {
    pub(super) stream: &'s mut Stream,
    pub(super) activity: &'s Activity,
    /// What is read and written does not count as activity.
    pub(super) ignored: bool,
    pub(super) log_level: Level,
}

/// What is sent in one go with the frames around it.
const SMALL: usize = 16 << 10;

impl WorkerExchange<'_> {
    fn touch(&self) {
        if !self.ignored {
            self.activity.touch();
        }
    }

    fn check(&self) -> Result<(), Failure> {
        if self.stream.is_gone() {
            Err(Failure)
        } else {
            Ok(())
        }
    }

    fn send_block(&mut self, data: &[u8], flags: SendFlags) -> Result<(), Failure> {
        let header = self
            .stream
            .server
            .block(data.len(), flags)
            .map_err(|_| Failure)?;
        if self.stream.out.len() + data.len() <= SMALL {
            self.stream.out.extend_from_slice(&header);
            self.stream.out.extend_from_slice(data);
            self.stream.blocks_wait = true;
            return Ok(());
        }
        self.stream
            .send(&[&header, data], None)
            .map_err(|_| Failure)
    }
}

impl Exchange for WorkerExchange<'_> {
    fn begin_application(&mut self) {
        self.activity.load();
        self.touch();
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        self.touch();
        loop {
            let count = self.stream.take_body(buffer);
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            if let Some(reason) = &self.stream.failed {
                return Err(ReadFailure {
                    reason: reason.clone(),
                });
            }
            if self.stream.is_gone() {
                return Err(ReadFailure {
                    reason: b"the server has closed the connection".to_vec(),
                });
            }
            if !self.stream.server.is_body_open() {
                return Ok(0);
            }
            let count = self.stream.demand(buffer);
            if count > 0 {
                return Ok(count);
            }
        }
    }

    fn send_head(&mut self, head: &Head<'_>) -> Result<(), Failure> {
        self.touch();
        self.check()?;
        let stream = &mut *self.stream;
        stream
            .server
            .head(&mut stream.out, head)
            .map_err(|_| Failure)
    }

    fn send(&mut self, data: &[u8], flags: SendFlags) -> Result<(), Failure> {
        self.touch();
        self.check()?;
        // An empty end on its own follows blocks that have left: application code may run before the end frame.
        let leave = flags.has(SendFlags::FLUSH) || (data.is_empty() && self.stream.out.is_empty());
        let data = if self.stream.takes(data.len()) {
            let flush = flags.has(SendFlags::FLUSH);
            self.stream.put(data, flush).map_err(|_| Failure)?;
            if !flags.has(SendFlags::END) {
                return Ok(());
            }
            &[]
        } else {
            data
        };
        let mut blocks = data.chunks(limit::BLOCK).peekable();
        if blocks.peek().is_none() {
            self.send_block(data, flags)?;
        }
        while let Some(block) = blocks.next() {
            let flags = if blocks.peek().is_some() {
                SendFlags::MORE
            } else {
                flags
            };
            self.send_block(block, flags)?;
        }
        if leave {
            self.stream.flush().map_err(|_| Failure)
        } else {
            Ok(())
        }
    }

    fn send_file(
        &mut self,
        fd: i32,
        offset: u64,
        length: u64,
        flags: SendFlags,
    ) -> Result<(), Failure> {
        self.touch();
        self.check()?;
        self.stream.flush().map_err(|_| Failure)?;
        // A number that an application gave: a descriptor of its own is open for as long as the call needs it.
        let file = fd::duplicate(fd).map_err(|_| Failure)?;
        let descriptor: BorrowedFd<'_> = std::os::fd::AsFd::as_fd(&file);
        let mut frame = Vec::new();
        self.stream
            .server
            .file(&mut frame, offset, length, flags)
            .map_err(|_| Failure)?;
        self.stream
            .send(&[&frame], Some(descriptor))
            .map_err(|_| Failure)
    }

    fn is_aborted(&mut self) -> bool {
        if !self.stream.is_gone() {
            self.stream.receive_frames();
        }
        self.stream.is_gone()
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        let stream = &mut *self.stream;
        // At once, for what happens next may be the death of this process.
        if stream.server.log(&mut stream.out, record).is_ok() {
            let _ = stream.flush();
        }
    }

    fn log_level(&mut self) -> Level {
        self.log_level
    }
}
