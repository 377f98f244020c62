"""The scheduled pull from a folder or a URL folder."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from portal.models import Job
from stages.content import Item
from stages.linkcheck.fetching import Fetcher
from stages.linkcheck.rules import Answer
from stages.models import ImportConflict, Placement, Section, Stage
from stages.pull import PullFailed, pull
from stages.tasks import pull_sources
from tests.stages.builders import a_block

pytestmark = pytest.mark.django_db
PAGE = "#### Create Stage\n##### Slack\n**#s_create**\n"


def test_a_folder_is_imported_and_a_second_time_nothing_is_new(tmp_path: Path) -> None:
    (tmp_path / "crash_course.md").write_text(PAGE)
    (tmp_path / "sections.yml").write_text("dev:\n  name: Dev\n  direction: /d\n")
    assert pull(source=str(tmp_path)).sentence == "Imported the structure and the handbook page."
    assert (Section.objects.count(), Stage.objects.count()) == (1, 1)
    assert not pull(source=str(tmp_path)).changed


def test_a_checkout_is_brought_up_to_date_first(tmp_path: Path) -> None:
    origin, checkout = tmp_path / "origin", tmp_path / "checkout"
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com"]
    subprocess.run([*git, "init", "-q", "-b", "main", str(origin)], check=True)
    (origin / "crash_course.md").write_text(PAGE)
    subprocess.run([*git, "-C", str(origin), "add", "."], check=True)
    subprocess.run([*git, "-C", str(origin), "commit", "-qm", "One"], check=True)
    subprocess.run([*git, "clone", "-q", str(origin), str(checkout)], check=True)
    pull(source=str(checkout))
    (origin / "crash_course.md").write_text(PAGE.replace("Create", "Plan"))
    subprocess.run([*git, "-C", str(origin), "commit", "-qam", "Two"], check=True)
    assert pull(source=str(checkout)).changed
    assert Stage.objects.filter(key="plan").exists()


def test_a_source_in_trouble_marks_nothing_as_gone(tmp_path: Path) -> None:
    page = tmp_path / "crash_course.md"
    page.write_text(PAGE)
    pull(source=str(tmp_path))
    for broken, why in (
        ("", "there is no stage"),
        ("<html>Sign in</html>", "there is no stage"),
        (None, "has none of"),
    ):
        page.unlink() if broken is None else page.write_text(broken)
        with pytest.raises(PullFailed, match=why):
            pull(source=str(tmp_path))
    assert not Placement.objects.filter(missing_from_source=True).exists()
    page.write_text(PAGE)
    (tmp_path / "sections.yml").write_text("dev:\n  name: Dev\n  direction: /d\n")
    page.write_bytes(b"\xff")
    with pytest.raises(PullFailed, match=r"^crash_course.md, line 1: .* Imported the structure before that\.$"):
        pull(source=str(tmp_path))
    page.unlink()
    with pytest.raises(PullFailed, match=r"^crash_course.md is gone from .*; what was imported from it stays\.$"):
        pull(source=str(tmp_path))
    (tmp_path / "more").mkdir()
    (tmp_path / "sections.yml").rename(tmp_path / "more" / "sections.yml")
    assert pull(source=str(tmp_path / "more")).sentence == "Nothing was new. There is no page crash_course.md."
    assert not Placement.objects.filter(missing_from_source=True).exists()


def test_a_pull_tells_what_waits_for_a_decision(tmp_path: Path) -> None:
    page = tmp_path / "crash_course.md"
    page.write_text(PAGE + "_Ask here_\n")
    pull(source=str(tmp_path))
    a_block(Stage.objects.get(), "slack", Item(label="#s_create", description="Ask us"))
    page.write_text(PAGE + "_Ask there_\n")
    waits = "Imported the handbook page. 1 change waits for a decision."
    assert (pull(source=str(tmp_path)).sentence, pull(source=str(tmp_path)).sentence) == (waits, "Nothing was new.")
    assert ImportConflict.objects.get().state == "open"
    (tmp_path / "stages.yml").write_text("stages: [")
    with pytest.raises(PullFailed, match=r"^stages.yml, line 1: "):
        pull(source=str(tmp_path))


@pytest.fixture
def web_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, dict[str, Any]]]:
    """The address of a folder on this machine, and what its server shall answer."""
    answers: dict[str, Any] = {"body": PAGE.encode()}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers["body"] if self.path.endswith(".md") else None
            self.send_response(404 if body is None else answers.get("status", 200))
            self.send_header("Content-Length", str(answers.get("length", len(body or b""))))
            if "location" in answers:
                self.send_header("Location", answers["location"])
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("STAGES_PRIVATE_HOSTS", f"127.0.0.1:{server.server_port}")
    yield f"http://127.0.0.1:{server.server_port}/", answers
    server.shutdown()
    server.server_close()


def test_a_folder_of_the_own_network_is_asked_where_its_host_and_port_are_named(
    web_folder: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = web_folder
    assert pull(source=source).sentence == "Imported the handbook page."
    for named in ("", "127.0.0.1", "127.0.0.1:1"):
        monkeypatch.setenv("STAGES_PRIVATE_HOSTS", named)
        with pytest.raises(PullFailed, match=r"is not asked\. Name its host in STAGES_PRIVATE_HOSTS, with the port"):
            pull(source=source)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"length": 9999}, "the answer broke off before its end"),
        ({"status": 302, "location": "http://10.0.0.1/x"}, "leads on to http://10.0.0.1/x, which is not followed"),
        ({"status": 503}, "cannot be read: answer 503."),
        ({"body": b"x" * (20 * 2**20 + 1)}, "the page is larger than 20 MB"),
    ],
)
def test_an_answer_that_is_not_the_page_is_refused(
    web_folder: tuple[str, dict[str, Any]], answer: dict[str, Any], why: str
) -> None:
    source, answers = web_folder
    answers.update(answer)
    with pytest.raises(PullFailed, match=why):
        pull(source=source)
    assert not Stage.objects.exists()


def test_a_password_in_the_address_is_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch, editor_client: Client, tmp_path: Path
) -> None:
    monkeypatch.setenv("STAGES_PULL_SOURCE", "https://ada:secret@x.example/handbook")
    assert "holds a name or password" in pull_sources()
    assert "secret" not in editor_client.get("/stages/import/").content.decode() + Job.objects.get().error
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    git.write_text("#!/bin/sh\necho fatal: unable to access https://ada:secret@x.example/ >&2\nexit 1\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{git.parent}:{os.environ['PATH']}")
    (tmp_path / ".git").mkdir()
    with pytest.raises(PullFailed, match=r"unable to access https://…@x\.example/$"):
        pull(source=str(tmp_path))


class Files(Fetcher):
    """A URL folder with one page."""

    def ask(self, url: str, method: str, most: int) -> tuple[Answer, bytes]:
        if url == "https://x.example/handbook/crash_course.md":
            return Answer(status=200), PAGE.encode()
        return Answer(status=404 if "broken" not in url else 500), b""


def test_a_url_folder_is_fetched() -> None:
    assert pull(source="https://x.example/handbook/", fetcher=Files()).changed
    with pytest.raises(PullFailed, match="answer 500"):
        pull(source="https://broken.example/", fetcher=Files())


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match="is not a folder"):
        pull(source=str(tmp_path / "none"))
    with pytest.raises(PullFailed, match="has none of"):
        pull(source=str(tmp_path))
    assert "No source is set" in pull(source="").sentence


def test_a_scheduled_pull_that_fails_is_a_failed_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGES_PULL_SOURCE", "")
    assert "No source is set" in pull_sources()
    assert not Job.objects.exists()
    monkeypatch.setenv("STAGES_PULL_SOURCE", str(tmp_path / "none"))
    assert "is not a folder" in pull_sources()
    job = Job.objects.get()
    assert job.state == Job.State.FAILED
    assert "is not a folder" in job.error
