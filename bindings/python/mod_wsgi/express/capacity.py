"""How many processes and threads httpd gets, for the capacity that the application has."""

import math
from dataclasses import dataclass

from .options import Options

SPARE_CLIENTS = 10
"""Connections that httpd handles beyond those that the application can work on."""


@dataclass(frozen=True)
class Prefork:
    """Sizes of the MPM prefork: one client in each process."""

    max_clients: int
    start_servers: int
    min_spare_servers: int
    max_spare_servers: int


@dataclass(frozen=True)
class Threaded:
    """Sizes of the MPMs worker and event."""

    threads_per_child: int
    server_limit: int
    max_clients: int
    start_servers: int
    min_spare_threads: int
    max_spare_threads: int


@dataclass(frozen=True)
class Capacity:
    processes: int
    threads: int
    prefork: Prefork
    threaded: Threaded

    @property
    def requests(self) -> int:
        """What the application works on at the same time."""
        return self.processes * self.threads


def in_daemon(options: Options) -> Capacity:
    """httpd's own processes pass requests on to those of the application."""
    processes = options.processes or 1
    base = processes * options.threads
    if options.max_clients is not None:
        clients = max(options.max_clients, base)
    else:
        clients = SPARE_CLIENTS + max(10, int(1.5 * base))
    return Capacity(
        processes, options.threads, _prefork(options, clients), _threaded(options, clients)
    )


def _fractions(options: Options, initial: float, spare: float) -> tuple[float, float, float]:
    if options.initial_workers is not None:
        initial = options.initial_workers
    minimum = options.minimum_spare_workers
    maximum = options.maximum_spare_workers
    return (
        initial,
        initial if minimum is None else minimum,
        spare if maximum is None else maximum,
    )


def _prefork(options: Options, clients: int) -> Prefork:
    parts = _fractions(options, 0.05, 0.1)
    start, low, high = (max(1, int(part * clients)) for part in parts)
    return Prefork(clients, start, low, high)


def _threaded(options: Options, clients: int) -> Threaded:
    threads = 10 if clients <= 20 else int(clients / (int(clients / 20) + 1))
    servers = math.ceil(clients / threads)
    start, low, high = _fractions(options, 0.2, 0.6)
    return Threaded(
        threads_per_child=threads,
        server_limit=servers,
        max_clients=servers * threads,
        start_servers=max(1, int(start * servers)),
        min_spare_threads=max(threads, int(low * servers) * threads),
        max_spare_threads=max(threads, int(high * servers) * threads),
    )


def embedded(options: Options) -> Capacity:
    """httpd's own processes run the application, all of them from the start."""
    processes = options.processes or 1
    return _fixed(processes, options.threads)


def debugging() -> Capacity:
    return _fixed(1, 1)


def _fixed(processes: int, threads: int) -> Capacity:
    total = processes * threads
    return Capacity(
        processes,
        threads,
        Prefork(total, total, total, total),
        Threaded(threads, processes, total, processes, total, total),
    )
