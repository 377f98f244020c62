"""What somebody saves while something larger is under way is kept: it comes first, or it waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction

from portal.models import User
from stages.collaboration import decide_suggestion
from stages.contacts import contacts_named
from stages.content import BlockContent, Item, to_json
from stages.editing import content_of, find_block, save_block
from stages.handbook.documents import page_of
from stages.handbook.importing import digest_of, import_page
from stages.history.page_of_day import restore_page
from stages.models import Contact, Section, Stage, Suggestion
from stages.restructuring import RestructureRefused, StaleEntry, change_facts, create, merge, move, retire
from stages.restructuring.wishes import must_edit
from stages.structure.reading import structure_of
from stages.structure.sync import sync_structure
from stages.structure.yamlfile import parse_yaml
from tests.builders import a_user
from tests.stages.builders import a_block, a_section, a_stage

pytestmark = pytest.mark.django_db(transaction=True)
DAY = date(2026, 11, 20)
PAGE = "### Dev Section\n#### Plan Stage\n##### Top Dashboards\n* [A](/a)\n* [From the page](/page)\n"


def meanwhile(act: Callable[[], Any]) -> Thread:
    """Let somebody else act, until it is done or has to wait for us."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    other = Thread(target=run)
    other.start()
    while other.is_alive() and not somebody_waits_for_us():
        time.sleep(0.01)
    return other


def somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])


def add_theirs() -> None:
    stage = Stage.objects.get(key="plan")
    with transaction.atomic():
        items = content_of(find_block(stage, "dashboards", lock=True)).items
        content = BlockContent(items=(*items, Item(label="Theirs", url="/theirs")))
        save_block(stage=stage, kind="dashboards", content=content, base_version=None, actor=None, how="edit")


def accept(stage: Stage, user: User) -> None:
    content = to_json(BlockContent(items=(Item(label="A", url="/a"), Item(label="Suggested", url="/s"))))
    asked = Suggestion.objects.create(stage=stage, kind="dashboards", base_version=1, content=content, author=user)
    decide_suggestion(suggestion=asked, actor=user, state=Suggestion.State.ACCEPTED)


def join(stage: Stage, user: User) -> None:
    source = a_stage("create")
    a_block(source, "dashboards", Item(label="B", url="/b"))
    merge(source=source, target=stage, actor=user, on=DAY, reason="")


def read_the_page(stage: Stage, user: User) -> None:
    import_page(page=page_of(PAGE, "page.md"), source="page.md", digest=digest_of(PAGE), actor=user)


@pytest.mark.parametrize(
    ("module", "action"),
    [
        ("stages.collaboration", accept),
        ("stages.restructuring.joining", join),
        ("stages.handbook.importing", read_the_page),
    ],
    ids=["a suggestion", "a merge", "an import"],
)
def test_a_save_is_not_overwritten_by_what_was_made_from_the_block_of_before(
    monkeypatch: pytest.MonkeyPatch, module: str, action: Callable[[Stage, User], None]
) -> None:
    stage = a_stage("plan", section=a_section("dev"))
    a_block(stage, "dashboards", Item(label="A", url="/a"))
    others: list[Thread] = []

    def about_to_save(**said: Any) -> Any:
        if not others and said["stage"].key == "plan":
            others.append(meanwhile(add_theirs))
        return save_block(**said)

    monkeypatch.setattr(f"{module}.save_block", about_to_save)
    action(stage, a_user("editor", "editor"))
    others[0].join()
    labels = [item.label for item in content_of(find_block(stage, "dashboards")).items]
    assert "Theirs" in labels
    assert len(labels) > 1


def test_the_page_of_a_day_does_not_take_away_what_is_saved_while_it_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = a_stage("plan")
    a_block(stage, "dashboards", Item(label="A", url="/a"))
    moment = datetime.now(UTC)
    a_block(stage, "dashboards", Item(label="Later", url="/later"))
    others: list[Thread] = []

    def about_to_save(**said: Any) -> Any:
        others.append(meanwhile(add_theirs))
        return save_block(**said)

    monkeypatch.setattr("stages.history.page_of_day.save_block", about_to_save)
    restore_page(stage=stage, moment=moment, actor=a_user("editor", "editor"))
    others[0].join()
    assert [item.label for item in content_of(find_block(stage, "dashboards")).items] == ["A", "Theirs"]


def test_a_fact_that_is_saved_during_an_import_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    from stages.structure import sync

    def files(direction: str) -> Any:
        return structure_of({"sections": parse_yaml(f"dev:\n  name: Dev\n  direction: {direction}\n", "sections.yml")})

    sync_structure(structure=files("/old"), source="sections.yml")
    others: list[Thread] = []
    merged = sync._merge

    def about_to_merge(*said: Any, **more: Any) -> Any:
        if not others:
            others.append(meanwhile(lambda: Section.objects.update(description="Written here", version=7)))
        return merged(*said, **more)

    monkeypatch.setattr(sync, "_merge", about_to_merge)
    sync_structure(structure=files("/new"), source="sections.yml")
    others[0].join()
    section = Section.objects.get()
    assert (section.direction, section.description) == ("/new", "Written here")


def test_nothing_is_put_under_what_is_retired_at_the_same_time() -> None:
    section, stage = a_section("dev"), a_stage("plan")
    told: list[str] = []

    def put() -> None:
        mine = Section.objects.get()
        for wish in (
            lambda: create(kind="stage", key="make", name="Make", parents=[mine], actor=None, on=DAY),
            lambda: move(entry=stage, parent=mine, actor=None, on=DAY),
        ):
            try:
                wish()
            except RestructureRefused as error:
                told.append(str(error))

    with transaction.atomic():
        retire(entry=section, actor=None, on=DAY, reason="")
        other = meanwhile(put)
    other.join()
    assert told == ["Dev is retired; nothing is put under it. Bring it back first."] * 2
    assert not Section.objects.get().stages.exists()


def test_two_who_name_the_same_person_for_the_first_time_share_one_contact() -> None:
    with transaction.atomic():
        first = contacts_named(["Ada"])["Ada"]
        other = meanwhile(lambda: contacts_named(["ada"]))
    other.join()
    assert Contact.objects.get() == first


def test_a_row_of_a_bulk_request_overwrites_no_fact_that_is_saved_after_its_version_was_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from stages.api import upserting

    editor = a_user("editor", "editor")
    stage = a_stage("plan", name="Plan")
    others: list[Thread] = []

    def about_to_ask(*said: Any) -> None:
        must_edit(*said)
        theirs = Stage.objects.get(pk=stage.pk)
        others.append(
            meanwhile(lambda: change_facts(entry=theirs, values={"description": "Theirs"}, actor=None, version=1))
        )

    monkeypatch.setattr(upserting, "must_edit", about_to_ask)
    row = {"key": "plan", "version": 1, "description": "Ours", "reason": ""}
    with pytest.raises(StaleEntry), transaction.atomic():
        upserting.upsert("stage", row, editor)
    others[0].join()
    stage.refresh_from_db()
    assert stage.description == "Theirs"
