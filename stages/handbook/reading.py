"""A handbook page from a file."""

from __future__ import annotations

from pathlib import Path

LARGEST = 20 * 1024 * 1024


class HandbookError(Exception):
    """A page that cannot be read: says which file and, where there is one, which line."""


def read_page(path: Path) -> str:
    """The text of a page, exactly as it is in the file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise HandbookError(f"{path}: the file cannot be read ({error.strerror}). Name a Markdown file.") from error
    return decode_page(data, str(path))


def decode_page(data: bytes, name: str) -> str:
    """The text of a page's bytes; what is not UTF-8 text is refused with its line."""
    if len(data) > LARGEST:
        raise HandbookError(f"{name}: the page is larger than {LARGEST // 2**20} MB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise HandbookError(f"{name}, line {line}: the file is not UTF-8; save it as UTF-8.") from error
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise HandbookError(f"{name}, line {line}: the file holds a NUL character; it is not a text file.")
    return text
