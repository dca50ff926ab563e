//! Identifiers of the conditions an operator may search for. Numbers are never reused.

/// Number of a documented condition; 0 is "none".
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageId(pub u16);

/// A condition and what it means.
pub struct Message {
    /// Its number.
    pub id: MessageId,
    /// What happened and what follows, in one sentence.
    pub meaning: &'static str,
}

impl std::fmt::Display for MessageId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "WC{:04}", self.0)
    }
}

macro_rules! messages {
    ($($(#[doc = $meaning:literal])+ $name:ident = $number:literal;)+) => {
        impl MessageId {
            /// No condition: ordinary output.
            pub const NONE: Self = Self(0);
            $($(#[doc = $meaning])+ pub const $name: Self = Self($number);)+
        }

        /// Every condition, in order of its number.
        pub const MESSAGES: &[Message] = &[
            $(Message { id: MessageId::$name, meaning: concat!($($meaning),+) },)+
        ];
    };
}

messages! {
    /// A parameter of a call into the library is missing or out of range.
    ARGUMENT = 1;
    /// A call came at the wrong time in the life of its object.
    STATE = 2;
    /// An option is unknown, or not allowed in this scope.
    OPTION_UNKNOWN = 10;
    /// The value of an option is not acceptable.
    OPTION_VALUE = 11;
    /// No runtime is installed for the Python that the configuration asks for.
    RUNTIME_MISSING = 20;
    /// A runtime is installed but could not be loaded.
    RUNTIME_LOAD = 21;
    /// A runtime belongs to another build of the engine.
    RUNTIME_VERSION = 22;
    /// The Python home cannot be examined, is not a directory or may not be searched.
    PYTHON_HOME = 23;
    /// Python could not be initialised; requests for this process are answered 500.
    PYTHON_START = 30;
    /// An interpreter could not be created or set up.
    INTERPRETER = 31;
    /// An entry of the Python path could not be added; it and later entries are skipped.
    PYTHON_PATH = 32;
    /// A stream or the signal interceptor of an interpreter could not be put in place.
    INTERPRETER_SETUP = 33;
    /// An extension module refuses to load in a sub-interpreter.
    EXTENSION_REFUSED = 34;
    /// Requests or threads did not end within the time allowed at the end of the process.
    STOP_TIMEOUT = 35;
    /// A callback of an event raised an exception; the next one is called.
    EVENT_RAISED = 36;
    /// A sub-interpreter was to have a GIL of its own and can't; it shares that of the process.
    OWN_GIL_IGNORED = 37;
    /// A switch interval is set for an interpreter that can't have one of its own, or for a process without a GIL.
    SWITCH_INTERVAL_IGNORED = 38;
    /// Free threading is set where the build of Python, or a single interpreter, can't have it.
    FREE_THREADING_IGNORED = 39;
    /// A script could not be read or compiled.
    SCRIPT_READ = 40;
    /// A script raised SystemExit while it was loaded.
    SCRIPT_EXIT = 41;
    /// A script raised an exception while it was loaded.
    SCRIPT_RAISED = 42;
    /// A script lacks the configured callable.
    CALLABLE_MISSING = 43;
    /// There is no script that could decide; the request is refused.
    DECIDER_MISSING = 44;
    /// An application or its response raised an exception.
    APPLICATION_RAISED = 50;
    /// An application raised SystemExit, which is ignored.
    APPLICATION_EXIT = 51;
    /// Looking up close() on a response raised.
    CLOSE_LOOKUP = 52;
    /// An application produced more data than its Content-Length; the rest is discarded.
    LENGTH_EXCEEDED = 53;
    /// An application produced less data than its Content-Length; the connection is closed.
    LENGTH_SHORT = 54;
    /// The response could not be handed to the host.
    RESPONSE_FAILED = 55;
    /// A header field of a response is longer than header-buffer-size; 500.
    HEADER_TOO_LONG = 56;
    /// A function of a script that decides about requests raised an exception; the request is refused.
    DECIDER_RAISED = 57;
    /// A function of a script that decides about requests returned what it must not; the request is refused.
    DECIDER_ANSWER = 58;
    /// The script that decides about access denied it to the client.
    ACCESS_DENIED = 59;
    /// The named process group is not defined.
    GROUP_UNKNOWN = 60;
    /// The request maps to this process, and the configuration keeps applications out of it.
    EMBEDDED_RESTRICTED = 61;
    /// The process group is not among those that restrict-process allows.
    GROUP_RESTRICTED = 62;
    /// The process group belongs to another virtual host.
    GROUP_HIDDEN = 63;
    /// The script is not owned or protected as script-user or script-group of the process group asks.
    SCRIPT_OWNER = 64;
    /// A process group or its supervisor can't be set up; its requests are answered 503.
    GROUP_START = 65;
    /// No process of the group became free within queue-timeout, or too many requests wait; the answer is 503.
    GROUP_BUSY = 66;
    /// The group has no process that can be connected to; the answer is 503.
    GROUP_DOWN = 67;
    /// The process that served the request ended, or broke off; 502, or the response is broken off.
    WORKER_LOST = 68;
    /// The process said nothing within socket-timeout; 504, or the response is broken off.
    WORKER_SILENT = 69;
    /// Path information is present although the configuration forbids it.
    PATH_INFO_REFUSED = 70;
    /// The request uses a transfer coding other than chunked.
    TRANSFER_ENCODING = 71;
    /// The request body is chunked and the configuration does not allow that.
    CHUNKED_REFUSED = 72;
    /// The Content-Length of a request is malformed.
    CONTENT_LENGTH = 73;
    /// The request body is longer than the host allows.
    BODY_LIMIT = 74;
    /// The script that a request maps to does not exist.
    SCRIPT_MISSING = 75;
    /// The script that a request maps to is a directory.
    SCRIPT_DIRECTORY = 76;
    /// The configuration does not allow scripts in this directory.
    SCRIPT_REFUSED = 77;
    /// The engine is ending and takes no more requests.
    CLOSED = 80;
    /// A process of a group ended unexpectedly, by itself or by a signal.
    WORKER_EXIT = 81;
    /// A process of a group could not take on its identity, or lacks something it needs; it is tried again.
    WORKER_START = 82;
    /// A limit, priority or locale of a process group could not be applied; it goes on without.
    WORKER_LIMIT = 83;
    /// Another user tried to use the socket of a process group.
    PEER_REFUSED = 84;
    /// The supervisor of process groups ended; another one is started.
    SUPERVISOR_EXIT = 85;
    /// A bug in the engine; it refuses requests from now on.
    PANIC = 90;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_in_order() {
        assert!(MESSAGES.windows(2).all(|pair| pair[0].id < pair[1].id));
    }

    #[test]
    fn an_identifier_is_searchable() {
        assert_eq!(MessageId::SCRIPT_READ.to_string(), "WC0040");
    }
}
