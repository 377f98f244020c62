"""Is PostgreSQL well? Asked by connecting, the only answer that counts."""

from __future__ import annotations

import socket
import struct
from enum import Enum
from pathlib import Path

USER = "stageboard"
DATABASE = "stageboard"
PROTOCOL = 196608  # 3.0


class Answer(Enum):
    """What came back."""

    READY = "ready"
    BUSY = "busy"  # it speaks, but lets nobody in now: starting up, shutting down, too many connections
    SILENT = "silent"


def ask(path: Path, *, timeout: float = 2.0) -> Answer:
    """Connect to the socket, sign in to the database ``postgres`` and leave again."""
    words = f"user\0{USER}\0database\0postgres\0application_name\0stageboard health\0\0".encode()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(timeout)
            link.connect(str(path))
            link.sendall(struct.pack("!II", len(words) + 8, PROTOCOL) + words)
            while True:
                kind, body = message(link)
                if kind == b"E":
                    return Answer.BUSY
                if kind == b"R" and body[:4] != b"\0\0\0\0":
                    return Answer.BUSY
                if kind == b"Z":
                    link.sendall(b"X\0\0\0\x04")
                    return Answer.READY
    except (OSError, EOFError):
        return Answer.SILENT


def message(link: socket.socket) -> tuple[bytes, bytes]:
    """One message of the server: its kind and its body."""
    head = exactly(link, 5)
    return head[:1], exactly(link, struct.unpack("!I", head[1:])[0] - 4)


def exactly(link: socket.socket, count: int) -> bytes:
    """So many bytes, or ``EOFError``."""
    parts = b""
    while len(parts) < count:
        part = link.recv(count - len(parts))
        if not part:
            raise EOFError
        parts += part
    return parts
