"""A load of POST requests from a few connections that stay open, in processes of its own."""

from __future__ import annotations

import json
import multiprocessing
import random
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
HOST = "bench.example.com"
RECORDED = b'"recorded_at": "'
STAGE = "bench"


WORDS = """projects issues merge requests pipelines runners epics boards clusters packages imports deploys keys labels
    notes users groups active unique weekly monthly created closed users_with jira slack prometheus helm ingress auto
    devops template enabled disabled failed success scheduled security scan dast sast secret container registry wiki
    snippet"""


def counts(leaves: int) -> dict[str, int]:
    """Names and numbers like those of real pings: related ones side by side, most of the numbers 0, few large ones."""
    chance, words = random.Random(5), WORDS.split()
    names = sorted("_".join([*chance.sample(words, 3), "counted", str(number % 60)]) for number in range(leaves))
    return {name: 0 if chance.random() < 0.6 else int(10 ** chance.uniform(0, 4)) for name in names}


def key_paths(count: int) -> list[str]:
    """The key paths of so many leaves of the ping."""
    return [f"counts.{name}" for name in counts(count)]


def ping_body(leaves: int = LEAVES) -> bytes:
    """A ping as large as real ones: 2,000 leaves, 79 KB, 16 KB as zstd; its uuid stands at a known place.

    It counts one person in a stage, so that the stage's figure is the number of installations.
    """
    return json.dumps(
        {
            "uuid": PLACE,
            "hostname": HOST,
            "recorded_at": datetime.now(UTC).isoformat(timespec="microseconds"),
            "version": "17.5.1",
            "edition": "EE",
            "active_user_count": 120,
            "usage_activity_by_stage_monthly": {STAGE: {"people": 1}},
            "counts": counts(leaves),
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
    """Post pings from ``clients`` connections for ``seconds``: each of another installation, or with an ingest key of
    ``PLACE`` each of another moment.
    """
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
    message, place = request(port, path, key=key)
    length = len(PLACE)
    if key:
        place = message.index(RECORDED) + len(RECORDED)
        length = message.index(b'"', place) - place
    link: socket.socket | None = None
    while time.perf_counter() < until:
        other = datetime.now(UTC).isoformat(timespec="microseconds") if key else str(uuid.uuid4())
        message[place : place + length] = other.encode()
        begun = time.perf_counter()
        try:
            link = link or connect(port)
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


def burst(port: int, path: str, *, count: int, leaves: int = LEAVES, clients: int = 8) -> list[float]:
    """Post ``count`` pings, each of another installation, as quickly as they are taken; when each was acknowledged.

    Whatever is not acknowledged is sent again, so that in the end all are.
    """
    context = multiprocessing.get_context("fork")
    answers: Queue[list[float]] = context.Queue()
    shares = [count // 2, count - count // 2]
    workers = [
        context.Process(target=deliver_all, args=(port, path, share, leaves, clients // 2, answers)) for share in shares
    ]
    for worker in workers:
        worker.start()
    moments = [moment for _ in workers for moment in answers.get()]
    for worker in workers:
        worker.join()
    return sorted(moments)


def deliver_all(port: int, path: str, count: int, leaves: int, clients: int, answers: Queue[list[float]]) -> None:
    """Several connections, a thread each, share the work."""
    moments: list[float] = []
    names = iter([str(uuid.uuid4()).encode() for _ in range(count)])
    lock = threading.Lock()

    def one() -> None:
        message, place = request(port, path, leaves)
        link: socket.socket | None = None
        while True:
            with lock:
                name = next(names, None)
            if name is None:
                break
            message[place : place + 36] = name
            while True:
                try:
                    link = link or connect(port)
                    link.sendall(message)
                    if 200 <= answer(link) < 300:
                        break
                except (OSError, ValueError):
                    if link is not None:
                        link.close()
                    link = None
                time.sleep(0.05)
            moments.append(time.time())
        if link is not None:
            link.close()

    threads = [threading.Thread(target=one) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put(moments)


def request(port: int, path: str, leaves: int = LEAVES, key: str = "") -> tuple[bytearray, int]:
    """The bytes of a request, and where the uuid stands in them."""
    body = ping_body(leaves)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n" + (f"Authorization: Bearer {key}\r\n" if key else "") + "\r\n"
    ).encode()
    message = bytearray(head + body)
    return message, message.index(PLACE.encode())


def connect(port: int) -> socket.socket:
    """A connection that stays open."""
    link = socket.create_connection(("127.0.0.1", port), timeout=30)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


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
