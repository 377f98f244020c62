"""Compressed bodies, inflated within a bound: a bomb is refused before it has grown."""

from __future__ import annotations

import io
import zlib

import zstandard

CHUNK = 64 * 1024
WINDOW = 2**24
MEMBERS = 100


class TooLarge(ValueError):
    """The body, or what it inflates to, is larger than is read."""


class Unreadable(ValueError):
    """The body is not compressed the way it claims to be."""


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """The plain bytes of a body sent with ``Content-Encoding`` (gzip, zstd, deflate, or none of these)."""
    plain = body
    for word in reversed([part.strip().lower() for part in encoding.split(",")]):
        if word in {"gzip", "x-gzip"}:
            plain = gunzip(plain, limit)
        elif word == "zstd":
            plain = unzstd(plain, limit)
        elif word == "deflate":
            plain = _zlib(plain, limit, zlib.MAX_WBITS)
        elif word not in {"", "identity"}:
            raise Unreadable(f"Content-Encoding {word[:40]!r} is not known here; send gzip, zstd or nothing.")
    if len(plain) > limit:
        raise TooLarge(f"The body is larger than {limit:,} bytes.")
    return plain


def gunzip(body: bytes, limit: int) -> bytes:
    """Gzip, of one or several members."""
    return _zlib(body, limit, zlib.MAX_WBITS | 16)


def _zlib(body: bytes, limit: int, window: int) -> bytes:
    plain = bytearray()
    rest = body
    members = 0
    try:
        while rest:
            members += 1
            if members > MEMBERS:  # each member copies the rest: thousands of empty ones would take minutes
                raise Unreadable(f"The compressed body has more than {MEMBERS} members.")
            stream = zlib.decompressobj(window)
            plain += stream.decompress(rest, limit + 1 - len(plain))
            if len(plain) > limit:
                raise TooLarge(f"The body inflates to more than {limit:,} bytes.")
            if not stream.eof:
                raise Unreadable("The compressed body breaks off.")
            rest = stream.unused_data.lstrip(b"\x00")  # some tools pad with zeros
    except zlib.error as error:
        raise Unreadable(f"The body is not compressed as it says: {error}.") from None
    if not body:
        raise Unreadable("The compressed body is empty.")
    return bytes(plain)


def unzstd(body: bytes, limit: int) -> bytes:
    """Zstandard, of one or several frames."""
    plain = bytearray()
    reader = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(io.BytesIO(body), read_across_frames=True)
    try:
        while chunk := reader.read(CHUNK):
            plain += chunk
            if len(plain) > limit:
                raise TooLarge(f"The body inflates to more than {limit:,} bytes.")
    except zstandard.ZstdError as error:
        raise Unreadable(f"The body is not zstd as it says: {error}.") from None
    if not plain:
        raise Unreadable("The compressed body is empty or breaks off.")
    return bytes(plain)


def unpacked(body: bytes, limit: int) -> bytes:
    """A file's plain bytes, whether it is compressed or not: its first bytes tell."""
    if body[:2] == b"\x1f\x8b":
        return gunzip(body, limit)
    if body[:4] == b"\x28\xb5\x2f\xfd":
        return unzstd(body, limit)
    if len(body) > limit:
        raise TooLarge(f"The file is larger than {limit:,} bytes.")
    return body
