"""Files that hold pings: one or many, plain, compressed or zipped. Every part gets a name; a bad one costs no other."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from telemetry.reading.inflate import TooLarge, Unreadable, unpacked

MOST_MEMBERS = 10_000
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
LINES = (".ndjson", ".jsonl")
PACKED = (".gz", ".zst")
TAKEN = (".json", *LINES, *PACKED, ".zip")


@dataclass(frozen=True, slots=True)
class Part:
    """One ping to be, or what stands in its place and why it is none."""

    name: str
    body: bytes = b""
    problem: str = ""


@dataclass(slots=True)
class Bundle:
    """A zip's papers: its list of contents and the signature over it, as they lie in the file."""

    manifest: bytes = b""
    signature: bytes = b""
    parts: list[Part] = field(default_factory=list)


def parts_of(name: str, data: bytes, *, limit: int, batch_limit: int) -> Iterator[Part]:
    """The pings of a file. ``limit`` bounds one ping, ``batch_limit`` everything that a file inflates to."""
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        yield from open_bundle(name, data, limit=limit, batch_limit=batch_limit).parts
        return
    yield from _flat(name, data, limit, batch_limit)


def open_bundle(name: str, data: bytes, *, limit: int, batch_limit: int) -> Bundle:
    """A zip of many weeks, with its manifest and signature where it has them."""
    bundle = Bundle()
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = [member for member in archive.infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        bundle.parts.append(Part(name, problem=f"The zip file cannot be opened: {error}."))
        return bundle
    if len(members) > MOST_MEMBERS:
        bundle.parts.append(
            Part(name, problem=f"The zip file has {len(members):,} members; {MOST_MEMBERS:,} are read.")
        )
        members = members[:MOST_MEMBERS]
    left = batch_limit
    for member in members:
        short = member.filename.rsplit("/", 1)[-1]
        if "__MACOSX" in member.filename or short.startswith("."):
            continue
        inner = f"{name}/{member.filename}"
        try:
            content = _member(archive, member, min(left, limit if not short.endswith((*LINES, *PACKED)) else left))
        except TooLarge as error:
            bundle.parts.append(Part(inner, problem=str(error)))
            continue
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, ValueError) as error:
            bundle.parts.append(Part(inner, problem=f"The member cannot be read: {error}."))
            continue
        except Exception as error:  # zlib, lzma and bz2 each raise their own kind
            bundle.parts.append(Part(inner, problem=f"The member cannot be read: {type(error).__name__}."))
            continue
        left -= len(content)
        if short == MANIFEST:
            bundle.manifest = content
        elif short == SIGNATURE:
            bundle.signature = content
        elif short.lower().endswith(TAKEN[:-1]) or "." not in short:
            bundle.parts.extend(_flat(inner, content, limit, left + len(content)))
        else:
            bundle.parts.append(Part(inner, problem="This is no JSON, NDJSON or gzip file; it was left out."))
    return bundle


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    if member.flag_bits & 0x1:
        raise ValueError("it is encrypted")
    with archive.open(member) as source:
        # The size in the head may lie; what is read does not.
        content = source.read(limit + 1)
    if len(content) > limit:
        raise TooLarge(f"The member is larger than {limit:,} bytes.")
    return content


def _flat(name: str, data: bytes, limit: int, batch_limit: int) -> Iterator[Part]:
    """A file that is no archive: compressed or not, one ping or one a line."""
    try:
        plain = unpacked(data, batch_limit)
    except (TooLarge, Unreadable) as error:
        yield Part(name, problem=str(error))
        return
    base = name.lower()
    for ending in PACKED:
        base = base.removesuffix(ending)
    if base.endswith(LINES) or _is_lines(plain):
        for number, line in enumerate(plain.split(b"\n"), 1):
            if line.strip():
                yield _bounded(f"{name}:{number}", line.strip(b"\r"), limit)
        return
    yield _bounded(name, plain, limit)


def _bounded(name: str, body: bytes, limit: int) -> Part:
    return Part(name, body) if len(body) <= limit else Part(name, problem=f"It is larger than {limit:,} bytes.")


def _is_lines(data: bytes) -> bool:
    """Whether the first line is an object by itself and another line follows: nobody prints JSON that way."""
    first, _, rest = data.lstrip().partition(b"\n")
    if not first.startswith(b"{") or not rest.strip():
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False
