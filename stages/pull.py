"""A scheduled pull: the structure files and the handbook page from a folder (a Git checkout) or a URL folder."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from portal.models import Job
from stages.conf import private_hosts, pull_page, pull_source
from stages.handbook.documents import page_of
from stages.handbook.importing import digest_of, import_page
from stages.handbook.reading import LARGEST, HandbookError, decode_page
from stages.linkcheck.fetching import Fetcher
from stages.models import ImportRun
from stages.structure.reading import read_structure
from stages.structure.sync import sync_structure
from stages.structure.yamlfile import StructureError

PULL = "the scheduled pull"
JOB = "Pull the catalog from its source"
FILES = ("sections.yml", "stages.yml", "categories.yml")
TIMEOUT = 120.0
"""Seconds that a file may take, from its host's name to its last byte."""


class PullFailed(Exception):
    """The source could not be read; the sentence says why."""


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What a pull did."""

    sentence: str
    changed: bool


@dataclass(frozen=True, kw_only=True)
class PullState:
    """Where the catalog is pulled from, and how the last time went."""

    source: str
    page: str
    last: Job | None

    @property
    def failed(self) -> bool:
        """Whether the last time went wrong."""
        return self.last is not None and self.last.state == Job.State.FAILED

    @property
    def sentence(self) -> str:
        """How the last time went, in words."""
        if self.last is None:
            return "It was not looked at yet."
        if self.failed:
            return self.last.error.removeprefix("stages.pull.PullFailed: ")
        return self.last.message or str(self.last.get_state_display())


def state() -> PullState | None:
    """The scheduled pull as it stands; none where no source is set."""
    source = pull_source()
    if not source:
        return None
    return PullState(source=source, page=pull_page(), last=Job.objects.filter(name=JOB).first())


def pull(*, source: str | None = None, page: str | None = None, fetcher: Fetcher | None = None) -> Pulled:
    """Read the source and import what differs from the last time."""
    source = pull_source() if source is None else source
    page = page or pull_page()
    if not source:
        return Pulled(sentence="No source is set (STAGES_PULL_SOURCE).", changed=False)
    if source.startswith(("http://", "https://")):
        with tempfile.TemporaryDirectory() as folder:
            download(source, Path(folder), page, fetcher or Fetcher(allowed=private_hosts(), timeout=TIMEOUT))
            return import_folder(Path(folder), source, page)
    folder_ = Path(source)
    if not folder_.is_dir():
        raise PullFailed(f"{source} is not a folder. Set STAGES_PULL_SOURCE to a checkout or a URL.")
    if (folder_ / ".git").exists():
        update_checkout(folder_)
    return import_folder(folder_, source, page)


def update_checkout(folder: Path) -> None:
    """Bring a Git checkout up to date, forwards only."""
    command = ["git", "-C", str(folder), "pull", "--ff-only", "--quiet"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PullFailed(f"git pull in {folder} failed: {error}.") from error
    if done.returncode:
        raise PullFailed(f"git pull in {folder} failed: {(done.stderr.strip() or 'no reason given')[:300]}")


def download(source: str, folder: Path, page: str, fetcher: Fetcher) -> None:
    """Fetch the files that are there."""
    for name in (*FILES, page):
        answer, body = fetcher.ask(f"{source.rstrip('/')}/{name}", "GET", LARGEST + 1)
        if answer.status == 200:
            (folder / Path(name).name).write_bytes(body)
        elif answer.status != 404:
            why = answer.refused or answer.error or f"answer {answer.status}"
            raise PullFailed(f"{source.rstrip('/')}/{name} cannot be read: {why}")


def import_folder(folder: Path, source: str, page: str) -> Pulled:
    """Import the files of a folder; each kind only when it differs from the last import of it."""
    told: list[str] = []
    try:
        files = {name.removesuffix(".yml"): folder / name for name in FILES if (folder / name).is_file()}
        if files:
            structure = read_structure(**files)
            report = sync_structure(structure=structure, source=source, by=PULL)
            if report.changed:
                told.append("the structure")
        page_file = folder / Path(page).name if (folder / Path(page).name).is_file() else folder / page
        if page_file.is_file():
            text = decode_page(page_file.read_bytes(), str(page_file))
            digest = digest_of(text)
            last = ImportRun.objects.filter(kind="handbook", source=source[:1000]).first()
            if last is None or last.digest != digest:
                handbook = import_page(page=page_of(text, page), source=source, digest=digest, by=PULL)
                if handbook.wrote:
                    told.append("the handbook page")
        elif not files:
            raise PullFailed(f"{source} has none of {', '.join((*FILES, page))}.")
    except (StructureError, HandbookError) as error:
        raise PullFailed(str(error)) from error
    return Pulled(sentence=f"Imported {' and '.join(told)}." if told else "Nothing was new.", changed=bool(told))
