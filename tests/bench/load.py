"""A load of POST requests from a few connections that stay open, in processes of its own."""

from __future__ import annotations

import json
import multiprocessing
import socket
import statistics
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.queues import Queue

LEAVES = 2000
PLACE = "00000000-0000-4000-8000-000000000000"


def ping_body() -> bytes:
    """A ping as large as real ones: 2,000 leaves, about 76 KB; its uuid stands at a known place."""
    counts = {f"counts_of_something_that_is_counted_{number:04}": number * 37 % 9973 for number in range(LEAVES)}
    return json.dumps(
        {
            "uuid": PLACE,
            "hostname": "bench.example.com",
            "recorded_at": datetime.now(UTC).isoformat(),
            "version": "17.5.1",
            "edition": "EE",
            "active_user_count": 120,
            "counts": counts,
        }
    ).encode()


@dataclass
class Outcome:
    """What the clients saw."""

    seconds: float
    answered: int = 0
    errors: int = 0
    times: list[float] = field(default_factory=list)
    first_error: str = ""

    @property
    def rate(self) -> float:
        return self.answered / self.seconds

    def percentile(self, part: float) -> float:
        """Milliseconds below which ``part`` of a hundred answers came."""
        return statistics.quantiles(self.times, n=1000)[int(part * 10) - 1] * 1000 if len(self.times) > 10 else 0.0


def fire(port: int, path: str, *, clients: int, seconds: float, key: str = "") -> Outcome:
    """Post pings, each of another installation, from ``clients`` connections for ``seconds``, with an ingest key."""
    processes = min(2, clients)
    context = multiprocessing.get_context("fork")
    answers: Queue[tuple[list[float], int, str]] = context.Queue()
    begun = time.perf_counter()
    workers = [
        context.Process(target=process, args=(port, path, clients // processes, seconds, key, answers))
        for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    outcome = Outcome(seconds)
    for _ in workers:
        times, errors, first = answers.get()
        outcome.times += times
        outcome.errors += errors
        outcome.first_error = outcome.first_error or first
    for worker in workers:
        worker.join()
    outcome.seconds = min(seconds, time.perf_counter() - begun)
    outcome.answered = len(outcome.times)
    return outcome


def process(
    port: int, path: str, clients: int, seconds: float, key: str, answers: Queue[tuple[list[float], int, str]]
) -> None:
    """Several connections, a thread each."""
    times: list[float] = []
    errors: list[str] = []
    until = time.perf_counter() + seconds
    threads = [threading.Thread(target=client, args=(port, path, key, until, times, errors)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put((times, len(errors), errors[0] if errors else ""))


def client(port: int, path: str, key: str, until: float, times: list[float], errors: list[str]) -> None:
    """One connection: post, wait for the answer, post again. Anything but 2xx is an error."""
    body = ping_body()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n" + (f"Authorization: Bearer {key}\r\n" if key else "") + "\r\n"
    ).encode()
    message = bytearray(head + body)
    place = message.index(PLACE.encode())
    link: socket.socket | None = None
    while time.perf_counter() < until:
        message[place : place + 36] = str(uuid.uuid4()).encode()
        begun = time.perf_counter()
        try:
            if link is None:
                link = socket.create_connection(("127.0.0.1", port), timeout=30)
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.sendall(message)
            status = answer(link)
        except (OSError, ValueError) as error:
            errors.append(str(error))
            if link is not None:
                link.close()
            link = None
            time.sleep(0.05)
            continue
        if 200 <= status < 300:
            times.append(time.perf_counter() - begun)
        else:
            errors.append(f"status {status}")
    if link is not None:
        link.close()


def answer(link: socket.socket) -> int:
    """Read one answer to its end; its status."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = link.recv(65536)
        if not part:
            raise ValueError("the server closed the connection")
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    length = next((int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")), 0)
    while len(rest) < length:
        part = link.recv(65536)
        if not part:
            raise ValueError("the server closed the connection")
        rest += part
    return int(lines[0].split(b" ")[1])


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)
