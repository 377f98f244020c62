"""Facts of sections, stages, groups and categories are edited in place, merged, taken back and given back."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from portal.models import User
from stages.contacts import name_people, remove_contact
from stages.models import Category, Contact, Draft, Group, ImportPreview, Stage
from stages.restructuring import RestructureRefused, StaleEntry, change_facts, give_back
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_group, a_section, a_stage
from tests.stages.test_editing import undo_on

pytestmark = pytest.mark.django_db


@pytest.fixture
def group() -> Group:
    return a_group(
        a_stage("create", section=a_section("dev")), "wiki", focus="Wiki GMAU", imported={"focus": "Wiki GMAU"}
    )


def form(entry: Any, client: Client) -> dict[str, Any]:
    """What the form of an entry's facts would send unchanged."""
    page = client.get(f"{entry.get_absolute_url()}facts/")
    shown = page.context["form"]
    values = {name: shown[name].value() for name in shown.fields if shown[name].value() not in (None, False)}
    return {**values, "version": page.context["entry"].version, "action": "save"}


def test_every_kind_has_a_form_for_its_facts_and_keeps_what_is_sent_unchanged(editor_client: Client) -> None:
    section = a_section("dev", slack_channel="dev")
    stage = a_stage("create", section=section, related_keys=["plan", "verify"], spend_percent="12.5", marketing=True)
    group = a_group(stage, "wiki", usage_driver_score=3)
    category = Category.objects.create(key="editor", name="Editor", stage=stage, viable=date(2026, 1, 2))
    category.groups.add(group)
    for entry in (section, stage, group, category):
        answer = editor_client.post(f"{entry.get_absolute_url()}facts/", form(entry, editor_client))
        assert answer["Location"] == f"{entry.get_absolute_url()}#facts"
        entry.refresh_from_db()
        assert entry.version == 1, entry
        assert editor_client.get(entry.get_absolute_url()).context["can_edit" if entry != stage else "stage"]


def test_an_editor_changes_a_fact_undoes_it_and_gives_it_back(group: Group, editor_client: Client) -> None:
    page = f"{group.get_absolute_url()}facts/"
    editor_client.post(page, {**form(group, editor_client), "focus": "Pages GMAU", "reason": "New aim"})
    shown = editor_client.get(group.get_absolute_url()).content.decode()
    assert "Pages GMAU" in shown
    assert "The structure files say: Wiki GMAU" in shown
    told = editor_client.get(f"{page}history/").content.decode()
    assert "New aim" in told
    editor_client.post(page, {"action": "undo", "version": "2"})
    group.refresh_from_db()
    assert (group.focus, group.version) == ("Wiki GMAU", 3)
    editor_client.post(page, {"action": "undo", "version": "2"})
    group.refresh_from_db()
    assert group.version == 3, "only the last change is undone"
    editor_client.post(page, {**form(group, editor_client), "focus": "Pages GMAU"})
    editor_client.post(page, {"action": "give-back-focus"})
    group.refresh_from_db()
    assert (group.focus, group.origin("focus")) == ("Wiki GMAU", "imported")


def test_without_a_script_the_facts_offer_to_undo_the_save(group: Group, editor_client: Client) -> None:
    editor_client.post(f"{group.get_absolute_url()}facts/", {**form(group, editor_client), "focus": "Pages GMAU"})
    page = editor_client.get(group.get_absolute_url()).content.decode()
    offered = undo_on(page[page.index('id="facts"') :])
    editor_client.post(offered.pop("url"), offered)
    group.refresh_from_db()
    assert group.focus == "Wiki GMAU"


def test_a_draft_of_facts_comes_back_as_typed_and_merges_when_it_is_saved(
    group: Group, editor: User, editor_client: Client
) -> None:
    page = f"{group.get_absolute_url()}facts/"
    typed = {**form(group, editor_client), "usage_driver_score": "nine", "direction": "/mine", "reason": "Why"}
    answer = editor_client.post(page, {**typed, "action": "draft"}, headers={"HX-Request": "true"})
    assert answer.content == b"Draft kept."
    change_facts(entry=group, values={"focus": "Theirs"}, actor=a_user("bea", "editor"))
    assert "You have a draft, kept" in editor_client.get(group.get_absolute_url()).content.decode()
    again = browser_of(editor).get(page)
    shown = again.context["form"]
    assert [shown[name].value() for name in ("usage_driver_score", "direction", "reason")] == ["nine", "/mine", "Why"]
    assert "Somebody saved after you began" in again.content.decode()
    editor_client.post(page, {**typed, "usage_driver_score": "", "version": again.context["version"]})
    group.refresh_from_db()
    assert (group.focus, group.direction) == ("Theirs", "/mine")
    assert not Draft.objects.exists()


def test_a_draft_of_facts_that_says_nothing_new_is_none_and_cancelling_drops_one(
    group: Group, editor_client: Client
) -> None:
    page, same = f"{group.get_absolute_url()}facts/", form(group, editor_client)
    for typed, kept in ((same, False), ({**same, "focus": "X"}, True), (same, False), ({**same, "focus": "X"}, True)):
        editor_client.post(page, {**typed, "action": "draft"})
        assert Draft.objects.exists() == kept
    editor_client.post(page, {**same, "action": "cancel"})
    assert not Draft.objects.exists()


def test_two_people_changing_different_facts_are_merged_and_the_same_fact_is_shown(
    group: Group, editor_client: Client
) -> None:
    page = f"{group.get_absolute_url()}facts/"
    mine = form(group, editor_client)
    other = browser_of(a_user("bea", "editor"))
    other.post(page, {**mine, "focus": "Theirs"})
    editor_client.post(page, {**mine, "slack_channel": "g_wiki"})
    group.refresh_from_db()
    assert (group.focus, group.slack_channel) == ("Theirs", "g_wiki")
    stale = editor_client.post(page, {**mine, "focus": "Mine"})
    shown = stale.content.decode()
    assert stale.status_code == 409
    for text in ("Theirs", 'value="Mine"', 'name="version" value="3"'):
        assert text in shown
    editor_client.post(page, {**form(group, editor_client), "focus": "Mine"})
    group.refresh_from_db()
    assert group.focus == "Mine"


def test_only_editors_of_the_entry_change_its_facts(group: Group, viewer_client: Client) -> None:
    page = f"{group.get_absolute_url()}facts/"
    assert viewer_client.get(page).status_code == 403
    assert "Edit facts" not in viewer_client.get(group.get_absolute_url()).content.decode()
    assert browser_of(a_user("cem", "editor@stage:plan")).post(page, {"version": "1"}).status_code == 403
    assert browser_of(a_user("dan", "editor@group:wiki")).get(page).status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("direction", "javascript:alert(1)", "are not allowed"),
        ("slack_channel", "#a b", "has no blanks"),
        ("usage_driver_score", 0, "from 1 to 5"),
    ],
)
def test_a_bad_fact_is_refused_with_a_sentence(group: Group, field: str, value: Any, sentence: str) -> None:
    with pytest.raises(RestructureRefused, match=sentence) as refused:
        change_facts(entry=group, values={field: value}, actor=None)
    assert refused.value.field == field


def test_dates_of_a_category_come_in_order(editor: User) -> None:
    category = Category.objects.create(key="wiki", name="Wiki", stage=a_stage(), viable=date(2026, 5, 1))
    with pytest.raises(RestructureRefused, match="complete before it is viable"):
        change_facts(entry=category, values={"complete": date(2026, 1, 1)}, actor=editor)
    change_facts(entry=category, values={"complete": date(2027, 1, 1)}, actor=editor)
    assert category.complete == date(2027, 1, 1)


def test_what_was_made_from_a_version_that_nobody_kept_is_refused() -> None:
    stage = a_stage("create")
    with pytest.raises(StaleEntry):
        change_facts(entry=stage, values={"roadmap": "/r"}, actor=None, version=7)


def test_only_what_the_files_say_is_given_back() -> None:
    stage = a_stage("create", imported={"spend_percent": "12.5"}, spend_percent="7")
    give_back(entry=stage, names=["spend_percent"], actor=None)
    assert Stage.objects.get().origin("spend_percent") == "imported"
    with pytest.raises(RestructureRefused, match="say nothing of it"):
        give_back(entry=stage, names=["roadmap"], actor=None)


def test_saving_by_htmx_answers_with_the_card_alone(group: Group, editor_client: Client) -> None:
    sent = {**form(group, editor_client), "focus": "X"}
    page = editor_client.post(f"{group.get_absolute_url()}facts/", sent, headers={"HX-Request": "true"})
    shown = page.content.decode()
    assert shown.lstrip().startswith("<section")
    assert "Undo" in shown


def test_the_people_of_an_entry_are_written_a_line_each(
    group: Group, editor_client: Client, viewer_client: Client
) -> None:
    page = f"{group.get_absolute_url()}people/"
    assert viewer_client.get(page).status_code == 403
    assert "Edit the people" in editor_client.get(group.get_absolute_url()).content.decode()
    editor_client.post(page, {"people": "Product manager: Ada\nGardener: Bo\n", "version": "1", "reason": "New team"})
    assert [(one.role, str(one.contact)) for one in group.people.order_by("order")] == [
        ("pm", "Ada"),
        ("Gardener", "Bo"),
    ]
    assert "Gardener: Bo" in editor_client.get(page).content.decode()
    stale = editor_client.post(page, {"people": "Product manager: Cem", "version": "1"})
    assert (stale.status_code, group.people.count()) == (409, 2)
    assert "Product manager: Cem" in stale.content.decode()
    assert editor_client.post(page, {"people": "Ada", "version": "2"}).status_code == 422
    assert "New team" in editor_client.get(f"{group.get_absolute_url()}facts/history/").content.decode()
    assert editor_client.get("/categories/nothing/people/").status_code == 404


def people_of(group: Group) -> list[str]:
    return [str(one.contact) for one in group.people.order_by("order", "pk")]


def test_a_change_of_people_is_undone_with_its_order_and_redone(group: Group, editor_client: Client) -> None:
    page = f"{group.get_absolute_url()}people/"
    editor_client.post(page, {"people": "PM: Ada\nEM: Bo\nUX: Cem", "version": "1"})
    editor_client.get(group.get_absolute_url())
    editor_client.post(page, {"people": "UX: Cem\nEM: Dan\nPM: Ada", "version": "2"})
    assert people_of(group) == ["Cem", "Dan", "Ada"]
    for expected in (["Ada", "Bo", "Cem"], ["Cem", "Dan", "Ada"]):
        offered = undo_on(editor_client.get(group.get_absolute_url()).content.decode())
        editor_client.post(offered.pop("url"), offered)
        assert people_of(group) == expected


def test_people_are_not_undone_after_another_change(group: Group, editor_client: Client) -> None:
    page = f"{group.get_absolute_url()}people/"
    editor_client.post(page, {"people": "PM: Ada", "version": "1"})
    change_facts(entry=group, values={"focus": "Theirs"}, actor=a_user("bea", "editor"))
    editor_client.post(page, {"action": "undo", "version": "2"})
    editor_client.post(page, {"action": "undo", "version": "3"})
    assert people_of(group) == ["Ada"]


def test_a_draft_of_people_is_offered_again_and_goes_with_a_name_that_is_removed(
    group: Group, editor_client: Client
) -> None:
    page = f"{group.get_absolute_url()}people/"
    editor_client.post(page, {"people": "PM: Ada", "version": "1"})
    editor_client.post(page, {"people": "PM: Ada\nEM: B", "version": "2", "action": "draft"})
    assert "You have a draft for the people" in editor_client.get(group.get_absolute_url()).content.decode()
    assert "EM: B" in editor_client.get(page).content.decode()
    remove_contact(contact=Contact.objects.get(name="Ada"), on=date(2026, 11, 28))
    assert not Draft.objects.exists()


def test_two_people_who_change_the_people_see_both_lists(group: Group, editor_client: Client) -> None:
    page = f"{group.get_absolute_url()}people/"
    browser_of(a_user("bea", "editor")).post(page, {"people": "PM: Ada", "version": "1"})
    stale = editor_client.post(page, {"people": "PM: Bo", "version": "1"})
    told = stale.content.decode()
    assert (stale.status_code, people_of(group)) == (409, ["Ada"])
    assert "Product manager: Ada" in told
    assert "PM: Bo" in told
    editor_client.post(page, {"people": "PM: Bo", "version": stale.context["version"]})
    assert people_of(group) == ["Bo"]


def test_what_holds_a_removed_name_goes_however_it_was_typed(group: Group, editor: User, editor_client: Client) -> None:
    page = f"{group.get_absolute_url()}people/"
    editor_client.post(page, {"people": "Product manager: Ada Lovelace", "version": "1"})
    editor_client.post(page, {"action": "draft", "people": "UX: Bo", "reason": "ADA  Lovelace left", "version": "2"})
    for files in ({"stages": "pm: Ada  Lovelace"}, {"stages": "pm: Bo"}):
        ImportPreview.objects.create(kind="structure", files=files, user=editor)
    remove_contact(contact=Contact.objects.get(name="Ada Lovelace"), on=date(2026, 11, 28))
    assert not Draft.objects.exists()
    assert [one.files for one in ImportPreview.objects.all()] == [{"stages": "pm: Bo"}]


def test_all_that_is_wrong_with_facts_is_told_at_once_and_by_name(group: Group, editor_client: Client) -> None:
    typed = form(group, editor_client) | {
        "direction": "javascript:x",
        "slack_channel": "#a b",
        "usage_driver_score": "z",
    }
    page = editor_client.post(f"{group.get_absolute_url()}facts/", typed).content.decode()
    summary = page[page.index('role="alert"') : page.index("</ul>", page.index('role="alert"'))]
    assert "Direction: Links of the kind javascript: are not allowed" in summary
    assert "Slack channel: A channel&#x27;s name has no blanks" in summary
    assert "Usage driver score: " in summary


@pytest.mark.parametrize("score", [0, 6, 99])
def test_a_driver_score_lies_between_one_and_five(group: Group, score: int) -> None:
    with pytest.raises(RestructureRefused, match="A score is from 1 to 5"):
        change_facts(entry=group, values={"usage_driver_score": score}, actor=None)
    assert change_facts(entry=group, values={"usage_driver_score": 5}, actor=None) == ["usage_driver_score"]


@pytest.mark.parametrize("number", ["32768", "9" * 5000])
def test_a_number_that_no_column_holds_is_refused_in_the_form(editor_client: Client, number: str) -> None:
    stage = a_stage("create")
    answer = editor_client.post("/stages/create/facts/", form(stage, editor_client) | {"established": number})
    assert answer.status_code == 422
    stage.refresh_from_db()
    assert stage.established is None


def test_who_is_responsible_keeps_the_role_of_the_files_whatever_it_is_called_here(
    editor: User, editor_client: Client
) -> None:
    stage = a_stage("create")
    held = [("fullstack_managers", "Ada"), ("fullstack_engineering_manager", "Bea"), ("field_pm", "Cem")]
    name_people(owner=stage, people=held, actor=editor)
    page = "/stages/create/people/"
    shown = editor_client.get(page).context
    same = editor_client.post(page, {"people": shown["text"], "version": shown["version"]}, follow=True)
    assert "Nothing was different" in same.content.decode()
    editor_client.post(page, {"people": f"{shown['text']}\nfield PM: Dan", "version": shown["version"]})
    people = stage.people.order_by("order").values_list("role", "contact__name")
    assert list(people) == [*held, ("field_pm", "Dan")]


def test_a_related_stage_must_be_there_but_what_the_files_said_may_stay(editor_client: Client) -> None:
    a_stage("plan")
    stage = a_stage("create", related_keys=["enablement"])
    typed = form(stage, editor_client)
    wrong = editor_client.post("/stages/create/facts/", typed | {"related_keys": "enablement, nope"})
    assert wrong.status_code == 422
    assert "There is no stage with the key nope." in wrong.content.decode()
    editor_client.post("/stages/create/facts/", typed | {"related_keys": "enablement, plan"})
    stage.refresh_from_db()
    assert stage.related_keys == ["enablement", "plan"]


def test_the_head_of_the_page_follows_facts_that_are_saved_in_place(editor_client: Client) -> None:
    stage = a_stage("create")
    typed = form(stage, editor_client) | {"usage_driver_score": "4"}
    answer = editor_client.post("/stages/create/facts/", typed, headers={"HX-Request": "true"}).content.decode()
    head = answer[answer.index("innerHTML:#stage-head") :]
    assert "usage 4" in head
