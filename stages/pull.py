"""A scheduled pull: the structure files and the handbook page from a folder (a Git checkout) or a URL folder."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.models import Job
from stages.conf import private_hosts, pull_page, pull_source
from stages.handbook.documents import page_of
from stages.handbook.importing import digest_of, import_page
from stages.handbook.reading import LARGEST, HandbookError, decode_page
from stages.handbook.report import HandbookReport
from stages.linkcheck.connecting import IN_PRIVATE
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
OPEN_IT = " Name its host in STAGES_PRIVATE_HOSTS, with the port where that is an unusual one (files.internal:9000)."
PASSWORD = re.compile(r"//[^/@\s]+@")


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
    return PullState(source=without_password(source), page=pull_page(), last=Job.objects.filter(name=JOB).first())


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
    """Bring a Git checkout up to date, forwards only. Git asks nobody for a password: nobody would answer."""
    command = ["git", "-C", str(folder), "pull", "--ff-only", "--quiet"]
    quiet = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -oBatchMode=yes", "LC_ALL": "C"}
    if "GIT_SSH_COMMAND" in os.environ:
        quiet["GIT_SSH_COMMAND"] = os.environ["GIT_SSH_COMMAND"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=quiet)
    except subprocess.TimeoutExpired as error:
        raise PullFailed(f"git pull in {folder} did not end within two minutes.") from error
    except OSError as error:
        raise PullFailed(f"git pull in {folder} failed: {error}.") from error
    if done.returncode:
        said = PASSWORD.sub("//…@", " ".join(done.stderr.split())) or "no reason given"
        raise PullFailed(f"git pull in {folder} failed: {said[:300]}")


def without_password(source: str) -> str:
    """An address without the name or password that somebody wrote into it."""
    return PASSWORD.sub("//…@", source)


def download(source: str, folder: Path, page: str, fetcher: Fetcher) -> None:
    """Fetch the files that are there."""
    shown = without_password(source).rstrip("/")
    for name in (*FILES, page):
        answer, body = fetcher.ask(f"{source.rstrip('/')}/{name}", "GET", LARGEST + 1)
        if answer.status == 200:
            (folder / Path(name).name).write_bytes(body)
        elif answer.status is not None and 300 <= answer.status < 400:
            # What the operator named is asked, and nothing that a server leads on to.
            leads = f" to {without_password(answer.location)[:200]}" if answer.location else ""
            raise PullFailed(
                f"{shown}/{name} leads on{leads}, which is not followed. Set STAGES_PULL_SOURCE to where the files are."
            )
        elif answer.status != 404:
            why = answer.refused or answer.error or f"answer {answer.status}"
            hint = OPEN_IT if answer.refused == IN_PRIVATE or answer.refused.startswith("Port ") else ""
            raise PullFailed(f"{shown}/{name} cannot be read: {why.removesuffix('.')}.{hint}")


def import_folder(folder: Path, source: str, page: str) -> Pulled:
    """Import the files of a folder; each kind only when it differs from the last import of it.

    What is named in a sentence is where the files came from, not the folder that they were fetched into.
    """
    told: list[str] = []
    waiting = 0
    try:
        files = {name.removesuffix(".yml"): folder / name for name in FILES if (folder / name).is_file()}
        if files:
            structure = read_structure(**files)
            report = sync_structure(structure=structure, source=source, by=PULL)
            waiting += len(report.conflicts)
            if report.changed:
                told.append("the structure")
        page_file = folder / Path(page).name if (folder / Path(page).name).is_file() else folder / page
        absent = "" if page_file.is_file() else _absent(source, page, files)
        if not absent:
            handbook = _import_page(page_file, source, page)
            if handbook is not None and handbook.wrote:
                told.append("the handbook page")
            if handbook is not None:
                waiting += sum(len(one.conflicts) for one in handbook.changes)
                waiting += sum(len(one.conflicts) for one in handbook.own_texts)
    except (StructureError, HandbookError, OSError) as error:
        before = f" Imported {' and '.join(told)} before that." if told else ""
        sentence = str(error).replace(f"{folder}{os.sep}", "").replace(str(folder), without_password(source))
        raise PullFailed(f"{sentence.removesuffix('.')}.{before}") from error
    waits = f" {waiting} {'change waits' if waiting == 1 else 'changes wait'} for a decision." if waiting else ""
    sentence = f"Imported {' and '.join(told)}." if told else "Nothing was new."
    return Pulled(sentence=f"{sentence}{waits}{absent}", changed=bool(told))


def _absent(source: str, page: str, files: Mapping[str, Path]) -> str:
    """A sentence on the page that is not there; one that was imported from there before must not just be gone."""
    if not files:
        raise PullFailed(f"{without_password(source)} has none of {', '.join((*FILES, page))}.")
    if ImportRun.objects.filter(kind="handbook", source=source[:1000]).exists():
        raise HandbookError(f"{page} is gone from {without_password(source)}; what was imported from it stays")
    return f" There is no page {page}."


def _import_page(file: Path, source: str, page: str) -> HandbookReport | None:
    """Import the page where it differs from the last time; refused where there is no stage on it."""
    text = decode_page(file.read_bytes(), page)
    digest = digest_of(text)
    last = ImportRun.objects.filter(kind="handbook", source=source[:1000]).first()
    if last is not None and last.digest == digest:
        return None
    read = page_of(text, page)
    if not read.stages:
        # A page to sign in, or an empty file, would otherwise mark all that was imported as gone.
        raise HandbookError(f"{page}: there is no stage on this page. Nothing was imported from it")
    return import_page(page=read, source=source, digest=digest, by=PULL)
