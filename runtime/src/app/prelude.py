"""Python code that every interpreter of the engine starts with.

It is run once per interpreter in a namespace of its own, where `native` is the engine's side of it and
`__name__` is `mod_wsgi`, the module whose classes are defined here. The functions are the steps of an
interpreter's set-up; the engine calls them one by one and logs those that fail.
"""

import sys
from _operator import index

# Levels of the `logging` module, which is not imported unless an application does it.
INFO = 20


class FileWrapper:
    """Iterates over a file-like object in blocks: `wsgi.file_wrapper` of PEP 3333.

    Returned as a response, a regular file is sent by the server itself, from its present position.
    """

    __slots__ = ("__blksize", "__closed", "__filelike", "__weakref__")

    def __init__(self, filelike, blksize=8192):
        blksize = index(blksize)
        if blksize < 0:
            raise ValueError("blksize must not be negative")
        self.__blksize = blksize
        self.__closed = False
        self.__filelike = filelike

    @property
    def filelike(self):
        if self.__closed:
            raise ValueError("FileWrapper is closed")
        return self.__filelike

    @property
    def blksize(self):
        return self.__blksize

    def __iter__(self):
        self.filelike
        return self

    def __next__(self):
        block = self.filelike.read(self.__blksize)
        if not isinstance(block, bytes):
            raise TypeError(f"read() of a wrapped file returned {type(block).__name__}, not bytes")
        if not block:
            raise StopIteration
        return block

    def close(self):
        if self.__closed:
            return
        filelike, self.__filelike, self.__closed = self.__filelike, None, True
        try:
            close = filelike.close
        except AttributeError:
            return
        try:
            close()
        except Exception:
            pass


class RequestTimeout(BaseException):
    """Raised in a request that runs longer than it may."""


event_callbacks, shutdown_callbacks, signal_callbacks = [], [], []


def subscribe_events(callback, /):
    """Has `callback(name, **payload)` called for every event."""
    event_callbacks.append(callback)
    return callback


def subscribe_shutdown(callback, /):
    """Has `callback(name, **payload)` called when the process is about to end."""
    shutdown_callbacks.append(callback)
    return callback


def subscribe_signals(callback, /):
    """Has `callback(name, **payload)` called when the process receives SIGHUP or SIGUSR2."""
    if sys.modules["mod_wsgi"].process_group:
        signal_callbacks.append(callback)
    elif native.enabled(INFO):
        log_ignored(f"mod_wsgi.subscribe_signals({callback!r}) was ignored", sys._getframe(1))
    return callback


def callbacks(name):
    """What is called for an event, in order."""
    special = {"process_stopping": shutdown_callbacks, "process_signal": signal_callbacks}
    return [*event_callbacks, *special.get(name, ())]


def merge(payload, changed):
    """What a callback returns may change what the next one is given."""
    if isinstance(changed, dict):
        payload.update(changed)


def log_handler():
    """Makes the class `LogHandler`."""
    import logging

    class LogHandler(logging.Handler):
        """Sends log records to the log of the request that is being served, or of the server."""

        def emit(self, record):
            if not native.enabled(record.levelno):
                return
            try:
                text = self.format(record)
                file = record.pathname.encode("utf-8", "surrogateescape")
                for line in text.removesuffix("\n").split("\n"):
                    line = line.encode("utf-8", "replace")
                    native.log(record.levelno, line, file, record.lineno)
            except RecursionError:
                raise
            except Exception:
                self.handleError(record)

    LogHandler.__qualname__ = "LogHandler"
    return LogHandler


def find_module(name):
    """An installed module of that name, or None."""
    try:
        __import__(name)
    except ModuleNotFoundError:
        return None
    return sys.modules[name]


def install_mod_wsgi(attributes, package):
    """Puts the module `mod_wsgi` in place; submodules of an installed package stay importable."""
    from importlib.machinery import ModuleSpec
    from importlib.util import module_from_spec

    module = module_from_spec(ModuleSpec("mod_wsgi", None))
    path = getattr(package, "__path__", None)
    if path is not None:
        module.__path__ = path
        module.__spec__.submodule_search_locations = path

    def __getattr__(name):
        if name != "LogHandler":
            raise AttributeError(f"module 'mod_wsgi' has no attribute {name!r}", name=name, obj=module)
        # Importing `logging` is left to applications that use it.
        module.LogHandler = handler = log_handler()
        return handler

    vars(module).update(
        attributes,
        FileWrapper=FileWrapper,
        RequestTimeout=RequestTimeout,
        event_callbacks=event_callbacks,
        shutdown_callbacks=shutdown_callbacks,
        signal_callbacks=signal_callbacks,
        subscribe_events=subscribe_events,
        subscribe_shutdown=subscribe_shutdown,
        subscribe_signals=subscribe_signals,
        __getattr__=__getattr__,
    )
    sys.modules["mod_wsgi"] = module


def install_apache(attributes, module):
    """Puts the module `apache` in place, or extends an installed one."""
    module = module or type(sys)("apache")
    vars(module).update(attributes)
    sys.modules["apache"] = module


def add_directory(path):
    """Adds a directory to `sys.path` as `site` does it, or leaves `sys.path` as it is."""
    import site

    before = sys.path[:]
    try:
        site.addsitedir(path)
    except BaseException:
        sys.path[:] = before
        raise


def move_to_front(before):
    """Moves the entries of `sys.path` that are not in `before` to its front, keeping their order."""
    added = [entry for entry in sys.path if entry not in before]
    sys.path[:] = added + [entry for entry in sys.path if entry in before]


def set_environ(name, value):
    import os

    os.environ[name] = value


def restrict_stream(name):
    """Replaces a standard stream by an object that is of no use."""

    class RestrictedStream:
        __slots__ = ()

        def __getattribute__(self, attribute):
            raise OSError(f"sys.{name} is restricted by the configuration of the server")

    setattr(sys, name, RestrictedStream())


def restrict_signals():
    """Makes `signal.signal` do nothing: the signals of this process belong to the server."""
    import os
    import signal as module

    real, owner = module.signal, os.getpid()

    def signal(signalnum, handler):
        # A process that the application forked is its own.
        if os.getpid() != owner:
            return real(signalnum, handler)
        if native.enabled(INFO):
            log_ignored(f"signal.signal({signalnum!r}, {handler!r}) was ignored", sys._getframe(1))
        return handler

    signal.__doc__ = real.__doc__
    module.signal = signal


told_to_end = False


def end_on_signals():
    """Makes the signals that end a process raise SystemExit in what its main thread runs."""
    import signal

    def end(signalnum, frame):
        global told_to_end
        told_to_end = True
        raise SystemExit(0)

    for name in ("SIGTERM", "SIGINT", "SIGUSR1", "SIGXCPU"):
        signal.signal(getattr(signal, name), end)


def log_ignored(text, frame):
    """Logs what was ignored and the stack of the caller that asked for it."""
    import traceback

    text += " because signals belong to the server; called from\n"
    for line in (text + "".join(traceback.format_stack(frame))).splitlines():
        native.log(INFO, line.encode("utf-8", "replace"), b"", 0)


def new_module(name, path):
    """A module for a script: with a loader, so that `inspect` and `importlib` know where it is."""
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_file_location

    loader = SourceFileLoader(name, path)
    return module_from_spec(spec_from_file_location(name, path, loader=loader))


def stacks(only):
    """What the threads are doing, or the one with this ident: lines of text. Leaves out the thread that asks."""
    import traceback
    from _thread import get_ident

    # Not through its functions, which wait for a lock.
    threads = getattr(sys.modules.get("threading"), "_active", {})
    lines = []
    for ident, frame in sys._current_frames().items():
        if ident == get_ident() or only not in (None, ident):
            continue
        name = f" ({threads[ident].name})" if ident in threads else ""
        lines.append(f"Python stack of thread {ident}{name}, most recent call last:")
        for block in traceback.format_stack(frame):
            lines.extend(block.rstrip("\n").split("\n"))
    return lines


def prepare_dump(signum, descriptor):
    """Lets stacks be written to a descriptor without the GIL, when a thread gets the signal."""
    import faulthandler

    faulthandler.register(signum, file=descriptor, all_threads=True)


def flush_streams():
    """Writes what stands after the last newline of the log streams."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
