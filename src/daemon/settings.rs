//! Settings of a process group, with their defaults.
#![forbid(unsafe_code)]

use super::sys::account::{Group, User};
use super::sys::socket::Buffers;
use std::time::Duration;

/// Everything that can be set for a process group. Durations of zero mean "none".
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "documented in the table of options")]
pub struct GroupSettings {
    /// `None` is one process that says so: `wsgi.multiprocess` is False.
    pub processes: Option<u32>,
    pub threads: u32,
    pub user: Option<User>,
    pub group: Option<Group>,
    pub supplementary_groups: Option<Vec<u32>>,
    pub umask: Option<u32>,
    pub chroot: Option<Box<[u8]>>,
    pub home: Option<Box<[u8]>>,
    pub lang: Option<Box<[u8]>>,
    pub locale: Option<Box<[u8]>>,
    pub display_name: Option<Box<[u8]>>,
    pub server_metrics: bool,
    pub python_home: Option<Box<[u8]>>,
    pub python_path: Vec<Box<[u8]>>,
    pub python_eggs: Option<Box<[u8]>>,
    pub switch_interval: Option<f64>,
    pub stack_size: Option<u64>,
    pub maximum_requests: u32,
    pub startup_timeout: Duration,
    pub deadlock_timeout: Duration,
    pub inactivity_timeout: Duration,
    pub request_timeout: Duration,
    pub interrupt_timeout: Duration,
    pub graceful_timeout: Duration,
    pub eviction_timeout: Duration,
    pub restart_interval: Duration,
    pub shutdown_timeout: Duration,
    pub listen_backlog: u32,
    pub connect_timeout: Duration,
    pub socket_timeout: Duration,
    pub queue_timeout: Duration,
    pub send_buffer_size: u32,
    pub receive_buffer_size: u32,
    pub header_buffer_size: u32,
    pub response_buffer_size: u32,
    pub response_socket_timeout: Duration,
    pub response_flush_delay: Duration,
    pub socket_user: Option<User>,
    pub cpu_time_limit: Duration,
    pub cpu_priority: i32,
    pub memory_limit: u64,
    pub virtual_memory_limit: u64,
    pub script_user: Option<User>,
    pub script_group: Option<Group>,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            processes: None,
            threads: 15,
            user: None,
            group: None,
            supplementary_groups: None,
            umask: None,
            chroot: None,
            home: None,
            lang: None,
            locale: None,
            display_name: None,
            server_metrics: false,
            python_home: None,
            python_path: Vec::new(),
            python_eggs: None,
            switch_interval: None,
            stack_size: None,
            maximum_requests: 0,
            startup_timeout: Duration::ZERO,
            deadlock_timeout: Duration::from_secs(300),
            inactivity_timeout: Duration::ZERO,
            request_timeout: Duration::ZERO,
            interrupt_timeout: Duration::ZERO,
            graceful_timeout: Duration::from_secs(15),
            eviction_timeout: Duration::ZERO,
            restart_interval: Duration::ZERO,
            shutdown_timeout: Duration::from_secs(5),
            listen_backlog: 100,
            connect_timeout: Duration::from_secs(15),
            socket_timeout: Duration::ZERO,
            queue_timeout: Duration::ZERO,
            send_buffer_size: 0,
            receive_buffer_size: 0,
            header_buffer_size: 0,
            response_buffer_size: 0,
            response_socket_timeout: Duration::ZERO,
            response_flush_delay: Duration::from_millis(5),
            socket_user: None,
            cpu_time_limit: Duration::ZERO,
            cpu_priority: 0,
            memory_limit: 0,
            virtual_memory_limit: 0,
            script_user: None,
            script_group: None,
        }
    }
}

impl GroupSettings {
    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> u32 {
        self.processes.unwrap_or(1)
    }

    /// How many there may be while old ones finish what they have. Scripts that run for ever must not run twice.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.workers() * if self.threads == 0 { 1 } else { 2 }
    }

    /// Of both ends of its connections.
    pub(super) fn buffers(&self) -> Buffers {
        Buffers {
            send: self.send_buffer_size,
            receive: self.receive_buffer_size,
        }
    }

    /// How long a worker that drains may serve on; `evicted` when a signal asked for it.
    #[must_use]
    pub fn drain_timeout(&self, evicted: bool) -> Option<Duration> {
        let eviction = Some(self.eviction_timeout).filter(|timeout| evicted && !timeout.is_zero());
        eviction
            .or(Some(self.graceful_timeout))
            .filter(|timeout| !timeout.is_zero())
    }
}
