"""The scheduled pull from a folder or a URL folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from portal.models import Job
from stages.linkcheck.fetching import Fetcher
from stages.linkcheck.rules import Answer
from stages.models import Section, Stage
from stages.pull import PullFailed, pull
from stages.tasks import pull_sources

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
