"""Every page of telemetry, empty and full."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from metrics.models import MetricDefinition
from metrics.models.facts import Report
from telemetry import worker
from telemetry.accepting import compress
from telemetry.metadata import count_reports
from telemetry.models import (
    ErrorReport,
    IngestKey,
    MetadataReport,
    MetricTiming,
    Organisation,
    Ping,
    Quantile,
    Reread,
    RereadRun,
    Review,
    SigningKey,
    UnknownKey,
)
from telemetry.verbs.keys import make_ingest_key
from tests.builders import a_user
from tests.telemetry.builders import CREATE, NOW, a_metric, a_ping, an_indicator

pytestmark = pytest.mark.django_db

OPEN = [
    "ingest",
    "pings",
    "quarantine",
    "decisions",
    "rules",
    "unknown",
    "issues",
    "costs",
    "metadata-reports",
    "errors",
    "versions",
    "upload",
    "collected",
]
CLOSED = ["keys", "privacy", "organisations", "signing-keys"]


def signed_in(*roles: str) -> Client:
    client = Client()
    client.force_login(a_user("", *roles))
    return client


@pytest.fixture
def viewer() -> Client:
    return signed_in()


@pytest.fixture
def reviewer() -> Client:
    return signed_in("reviewer")


@pytest.fixture
def administrator() -> Client:
    return signed_in("administrator")


@pytest.fixture
def world() -> Ping:
    """A ping of each kind."""
    an_indicator()
    a_metric("counts.a", slot=3)
    ping = a_ping(
        users=-1, counts={"a": "12", "new": [1]}, settings={"collected_data_categories": ["standard"]}, licensee="x"
    )
    a_ping(hostname="big.example.com", users=999_999_999)
    worker.read_all()
    a_ping(hostname="waiting.example.com")
    Ping.objects.filter(pk=a_ping(hostname="failed.example.com").pk).update(
        state="failed", cause="KeyError: x", read_at=NOW
    )
    ErrorReport.objects.create(hostname="git.example.com", message="PG::Error", received_at=NOW)
    return ping


@pytest.mark.parametrize("name", OPEN)
def test_an_empty_page_says_why_it_is_empty(viewer: Client, name: str) -> None:
    assert viewer.get(reverse(f"telemetry:{name}")).status_code == 200


@pytest.mark.parametrize("name", OPEN + CLOSED)
def test_a_full_page_stands(administrator: Client, world: Ping, name: str) -> None:
    assert administrator.get(reverse(f"telemetry:{name}")).status_code == 200


@pytest.mark.parametrize("name", CLOSED)
def test_what_is_the_administrators_is_closed_to_others(viewer: Client, name: str) -> None:
    assert viewer.get(reverse(f"telemetry:{name}")).status_code == 403


def test_the_ping_page_shows_leaves_beside_their_states(reviewer: Client, world: Ping) -> None:
    page = reviewer.get(world.get_absolute_url()).content.decode()
    for words in ("timed out", "not permitted", "not zero", "counts.new", "licensee", "Receipt", "Put into quarantine"):
        assert words in page
    found = reviewer.get(world.get_absolute_url() + "?leaf=new").content.decode()
    assert "1 value with this search" in found
    assert "No value" not in found


def test_every_ping_has_a_page(viewer: Client, world: Ping) -> None:
    for ping in Ping.objects.all():
        assert viewer.get(ping.get_absolute_url()).status_code == 200
        assert viewer.get(reverse("telemetry:ping-raw", args=[ping.pk])).headers["X-Content-Type-Options"] == "nosniff"


def test_markup_in_a_ping_stays_text(viewer: Client) -> None:
    ping = a_ping(hostname="<script>alert(1)</script>", **{"<b>key</b>": "<i>value</i>"})
    worker.read_all()
    page = viewer.get(ping.get_absolute_url()).content.decode()
    assert "<script>alert" not in page
    assert "<b>key" not in page
    assert "<i>value" not in page


def test_a_reviewer_releases_and_rejects_from_the_quarantine(reviewer: Client, world: Ping) -> None:
    held = Ping.objects.get(hostname="big.example.com")
    page = reviewer.get(reverse("telemetry:quarantine")).content.decode()
    assert "more than any installation can have" in page
    url = reverse("telemetry:decide")
    reviewer.post(url, {"ping": [held.pk], "decision": "release", "reason": " "})
    held.refresh_from_db()
    assert held.state == Ping.State.QUARANTINED
    reviewer.post(url, {"ping": [held.pk, world.pk], "decision": "reject", "reason": "Spoof."})
    held.refresh_from_db()
    assert held.state == Ping.State.REJECTED
    assert Review.objects.filter(reason="Spoof.").count() == 2


def test_a_held_ping_stands_beside_the_months_before_and_the_population(reviewer: Client) -> None:
    an_indicator()
    for month, users in ((8, 310), (9, 320), (10, 330)):
        a_ping(users=users, recorded_at=f"2026-{month:02}-20T00:00:00Z", version=f"17.{month}.0")
    worker.read_all()
    Quantile.objects.create(key_path=CREATE, population=500, median=77, high=4_320.9999, computed_at=NOW)
    held = a_ping(users=888_888)
    worker.read_all()
    page = reviewer.get(reverse("telemetry:quarantine")).content.decode()
    table = page.split(f"Ping {held.pk}</a>")[1].split("</table>")[0]
    for words in ("888,888", "330", "320", "310", "Oct 2026", "Aug 2026", "17.8.0", "4,321<", "named", "400"):
        assert words in table, words
    assert table.index("330") < table.index("320") < table.index("310")


def test_all_that_a_search_finds_are_decided_at_once_and_both_decisions_stay(reviewer: Client) -> None:
    an_indicator()
    for number in range(3):
        a_ping(hostname=f"rig{number}.example.com", users=999_999_999)
    other = a_ping(hostname="other.example.com", users=999_999_999)
    worker.read_all()
    page = reviewer.get(reverse("telemetry:quarantine") + "?q=rig").content.decode()
    newest = page.split('name="newest" value="')[1].split('"')[0]
    assert "other.example.com" not in page
    assert "All 3 that this search has found" in page
    later = a_ping(hostname="rig-later.example.com", users=999_999_999)
    worker.read_all()
    told = {"q": "rig", "every": "1", "newest": newest, "decision": "reject", "reason": "Test rigs."}
    reviewer.post(reverse("telemetry:decide"), told)
    states = dict(Ping.objects.values_list("hostname", "state"))
    assert [states[f"rig{number}.example.com"] for number in range(3)] == ["rejected"] * 3
    assert states[other.hostname] == states[later.hostname] == "quarantined"
    reviewer.post(reverse("telemetry:decide"), {"ping": [other.pk], "decision": "release", "reason": "They called."})
    decisions = reviewer.get(reverse("telemetry:decisions")).content.decode()
    assert "Test rigs." in decisions
    assert "They called." in decisions
    assert "Test rigs." not in reviewer.get(reverse("telemetry:decisions") + "?decision=released").content.decode()


def test_a_viewer_decides_nothing(viewer: Client, world: Ping) -> None:
    assert viewer.post(reverse("telemetry:decide"), {"ping": [world.pk]}).status_code == 403
    assert viewer.post(reverse("telemetry:retry")).status_code == 403


def test_failures_are_shown_by_cause_and_read_again(reviewer: Client, world: Ping) -> None:
    assert "KeyError: x" in reviewer.get(reverse("telemetry:ingest")).content.decode()
    reviewer.post(reverse("telemetry:retry"))
    assert not Ping.objects.filter(state="failed").exists()


def test_failures_of_one_cause_are_listed_and_read_again_together(reviewer: Client) -> None:
    for number in range(3):
        cause = f"KeyError: ('uuid-{number}', 'h{number}.example.com')" if number else "ValueError: else"
        ping = a_ping(hostname=f"h{number}.example.com")
        Ping.objects.filter(pk=ping.pk).update(state="failed", cause=cause, read_at=NOW)
    page = reviewer.get(reverse("telemetry:ingest")).content.decode()
    assert "KeyError: (…, …)" in page
    found = reviewer.get(reverse("telemetry:pings"), {"cause": "KeyError: (…, …)"}).content.decode()
    assert "h1.<wbr>example.<wbr>com" in found
    assert "h0.example.com" not in found
    reviewer.post(reverse("telemetry:retry"), {"cause": "KeyError: (…, …)"})
    assert set(Ping.objects.filter(state="failed").values_list("hostname", flat=True)) == {"h0.example.com"}


def test_metadata_reports_that_could_not_be_counted_say_why_and_are_counted_again(reviewer: Client) -> None:
    broken = MetadataReport.objects.create(received_at=NOW, body=compress(b"[[1]]"))
    count_reports()
    broken.refresh_from_db()
    assert "ValueError" in broken.cause
    assert "ValueError" in reviewer.get(reverse("telemetry:costs")).content.decode()
    MetadataReport.objects.update(body=compress(b'[["counts.a", 0.5, ""]]'))
    reviewer.post(reverse("telemetry:costs-retry"))
    assert count_reports() == 1
    assert MetricTiming.objects.get().key_path == "counts.a"
    assert "could not be counted" not in reviewer.get(reverse("telemetry:costs")).content.decode()


def test_all_stored_pings_are_read_again_in_a_run(reviewer: Client, viewer: Client, world: Ping) -> None:
    url = reverse("telemetry:reread-many")
    assert viewer.post(url, {"scope": "all"}).status_code == 403
    assert reviewer.post(url, {"scope": "some"}).status_code == 400
    assert reviewer.post(url, {"scope": "all"}).headers["Location"] == "/tasks/"
    run = RereadRun.objects.get()
    assert (run.scope, run.state, run.last_id) == ("all", "waiting", Ping.objects.latest("pk").pk)


def test_the_ping_page_tells_what_reading_again_changed(reviewer: Client, world: Ping) -> None:
    Report.objects.update(version="1.0")
    reviewer.post(reverse("telemetry:reread", args=[world.pk]))
    page = reviewer.get(world.get_absolute_url()).content.decode()
    assert "1 values changed" in page
    assert "1.0 → 17.5.1" in page


def test_a_ping_is_read_again_from_its_page(reviewer: Client, world: Ping) -> None:
    reviewer.post(reverse("telemetry:reread", args=[world.pk]))
    assert Reread.objects.filter(ping=world).exists()


def test_an_unknown_key_is_offered_for_definition(reviewer: Client, world: Ping) -> None:
    key = UnknownKey.objects.get(key_path="counts.new")
    page = reviewer.get(reverse("telemetry:unknown-key", args=[key.pk])).content.decode()
    assert "key_path: counts.new" in page.replace('<span class="hl-k">', "").replace("</span>", "")
    reviewer.post(reverse("telemetry:ignore", args=[key.pk]))
    key.refresh_from_db()
    assert key.state == UnknownKey.State.IGNORED


def test_a_key_is_shown_once(administrator: Client) -> None:
    url = reverse("telemetry:keys")
    made = administrator.post(url, {"label": "Team A", "organisation": "Ours"})
    page = made.content.decode()
    secret = page.split("sbi_")[1].split("<")[0]
    assert made["Cache-Control"] == "no-store"
    key = IngestKey.objects.get()
    assert str(key.organisation) == "Ours"
    assert f"sbi_{secret}" not in administrator.get(url).content.decode()
    assert administrator.post(url, {"label": "Nothing"}).status_code == 400


def test_a_key_is_rotated_and_revoked(administrator: Client) -> None:
    key, _secret = make_ingest_key(label="one", uuid="u", hostname="h")
    assert "copy this key now" in administrator.post(reverse("telemetry:key-rotate", args=[key.pk])).content.decode()
    administrator.post(reverse("telemetry:key-revoke", args=[key.pk]))
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_what_is_collected_is_public_and_comes_from_the_dictionary(client: Client) -> None:
    an_indicator()
    page = client.get(reverse("telemetry:collected")).content.decode()
    assert "action_monthly_active_users_project_repo" in page
    assert "licensee" in page


@pytest.mark.parametrize("query", ["git.exa", "counts.new", "#1", "x", "%", "\x00"])
def test_the_search_finds_senders_keys_and_pings(world: Ping, query: str) -> None:
    from telemetry.panels import search

    hits = search(query, a_user(), 10)
    if query == "git.exa":
        assert hits[0].title == "git.example.com"
    if query == "counts.new":
        assert hits[0].kind == "Unknown key"


def test_checks_panels_and_attention_speak(world: Ping, rf: Any) -> None:
    from metrics.models.facts import Installation
    from telemetry import panels

    request = rf.get("/")
    request.user = a_user("", "reviewer")
    assert panels.ingest_health().sentence
    assert panels.heartbeat_health().sentence
    assert len(panels.waiting(request.user)) == 2
    assert panels.waiting(a_user()) == []
    assert panels.home(request) is not None
    content = panels.installation_pings(request, Installation.objects.get(hostname="git.example.com"))
    assert content is not None
    assert content.context["categories"] == ["standard"]
    links = panels.resolve([str(world.pk), "999999", "x", "9" * 40])
    assert {reference: link.url for reference, link in links.items()} == {str(world.pk): world.get_absolute_url()}


@pytest.mark.parametrize(
    "model", ["ping", "rawbody", "sender", "unknownkey", "ingestkey", "plausibilityrule", "release", "review"]
)
def test_the_admin_lists_and_shows(world: Ping, model: str) -> None:
    client = Client()
    client.force_login(a_user("root", is_staff=True, is_superuser=True))
    assert client.get(f"/admin/telemetry/{model}/").status_code == 200
    if model in {"ping", "rawbody"}:
        assert client.get(f"/admin/telemetry/{model}/{world.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    ("settings", "told", "untold"),
    [
        ({}, ["replaced by null", "truncated to its network"], ["as it was sent"]),
        ({"cut_personal": False, "address": "full"}, ["as it was sent", "full address"], ["replaced by null"]),
        ({"address": "none"}, ["The address of the sender is not kept."], ["truncated"]),
    ],
)
def test_what_is_collected_tells_the_truth_under_every_setting(
    client: Client, options: Any, settings: dict[str, Any], told: list[str], untold: list[str]
) -> None:
    options(**settings)
    page = client.get(reverse("telemetry:collected")).content.decode()
    assert all(words in page for words in told)
    assert not any(words in page for words in untold)


def test_the_sign_in_page_leads_to_what_is_collected(client: Client) -> None:
    page = client.get("/accounts/login/").content.decode()
    assert f'href="{reverse("telemetry:collected")}"' in page
    assert reverse("telemetry:pings") not in page


def test_prometheus_sees_what_waits(world: Ping, client: Client) -> None:
    text = client.get("/health/prometheus").content.decode()
    numbers = dict(
        line.split() for line in text.splitlines() if line.startswith("stageboard_pings_") and "{" not in line
    )
    assert float(numbers["stageboard_pings_lag_seconds"]) > 0
    assert float(numbers["stageboard_pings_backlog"]) == 1
    assert float(numbers["stageboard_pings_quarantine"]) == 1
    assert float(numbers["stageboard_pings_failed"]) == 1


def test_the_panel_of_an_installation_counts_its_reports_and_leads_to_them(world: Ping, rf: Any) -> None:
    from metrics.models.facts import Installation
    from telemetry import panels

    MetadataReport.objects.create(uuid=world.uuid, received_at=NOW, ping=world, body=b"")
    ErrorReport.objects.create(uuid=world.uuid, hostname=world.hostname, received_at=NOW)
    request = rf.get("/")
    request.user = a_user()
    content = panels.installation_pings(request, Installation.objects.get(hostname=world.hostname))
    assert content is not None
    panel = render_to_string(content.template, content.context)
    assert f'<a href="{reverse("telemetry:metadata-reports")}?q={world.hostname}">1 metadata report</a>' in panel
    assert f'<a href="{reverse("telemetry:errors")}?q={world.hostname}">1 error report</a>' in panel


def test_an_administrator_gives_an_organisation_its_installations_and_takes_them_away(administrator: Client) -> None:
    ours = Organisation.objects.create(name="Ours")
    make_ingest_key(label="all of them", organisation=ours)
    assert "Ours" in administrator.get(reverse("telemetry:organisations")).content.decode()
    url = reverse("telemetry:organisation", args=[ours.pk])
    assert administrator.post(url, {"uuid": "u"}).status_code == 400
    page = administrator.post(url, {"uuid": "u", "hostname": "git.example.com"}, follow=True).content.decode()
    assert "git.example.com is one of Ours" in page
    assert "all of them" in page
    administrator.post(reverse("telemetry:let-go", args=[ours.holders.get().pk]))
    assert "It has no installation yet" in administrator.get(url).content.decode()


def test_an_administrator_adds_and_revokes_signing_keys(administrator: Client) -> None:
    url = reverse("telemetry:signing-keys")
    assert administrator.post(url, {"label": "Ann", "public_key": "x"}).status_code == 400
    assert administrator.post(url, {"label": "Ann", "public_key": "a" * 64, "uuid": "u"}).status_code == 400
    assert "Ann" in administrator.post(url, {"label": "Ann", "public_key": "A" * 64}, follow=True).content.decode()
    key = SigningKey.objects.get()
    assert key.public_key == "a" * 64
    page = administrator.post(reverse("telemetry:signing-key-revoke", args=[key.pk]), follow=True).content.decode()
    assert "revoked" in page


def told(seconds: float, error: str = "") -> bytes:
    """The body of a metadata report: a metric that took so long, and one that failed."""
    return compress(json.dumps([["counts.slow", seconds, ""], ["counts.broken", None, error]]).encode())


def test_costs_are_told_over_the_population_by_version_and_report_by_report(viewer: Client) -> None:
    pings = [a_ping(hostname=f"h{minor}.example.com", uuid=f"u{minor}", version=f"17.{minor}.1-ee") for minor in (4, 5)]
    for ping, seconds, error in zip(pings, (9.5, 1.5), ("statement timeout", ""), strict=True):
        values = {"metrics": 2, "failures": int(bool(error)), "seconds": seconds}
        MetadataReport.objects.create(uuid=ping.uuid, received_at=NOW, body=told(seconds, error), **values)
    count_reports()
    url = reverse("telemetry:costs")
    both, old, new = (viewer.get(url, {"version": name}).content.decode() for name in ("", "17.4", "17.5"))
    assert "5.500" in both
    assert "9.500" in old
    assert "statement timeout" in old
    assert "1.500" in new
    assert "statement timeout" not in new
    assert both.index("<option>17.5") < both.index("<option>17.4")
    listed = viewer.get(reverse("telemetry:metadata-reports"), {"q": "h4"}).content.decode()
    assert "h4.<wbr>example.<wbr>com" in listed
    assert "h5.example.com" not in listed
    report = MetadataReport.objects.get(ping=pings[0])
    page = viewer.get(reverse("telemetry:metadata-report", args=[report.pk])).content.decode()
    assert page.index("counts.broken") < page.index("counts.slow")
    assert "9.500" in page
    assert (
        reverse("telemetry:metadata-report", args=[report.pk])
        in viewer.get(pings[0].get_absolute_url()).content.decode()
    )


def test_a_reviewer_defines_an_unknown_key_and_stored_pings_are_filled_back(reviewer: Client, viewer: Client) -> None:
    a_ping(counts={"new_thing": 7})
    worker.read_all()
    key = UnknownKey.objects.get(key_path="counts.new_thing")
    page = reviewer.get(reverse("telemetry:unknown-key", args=[key.pk])).content.decode()
    text = html.unescape(page.split("<textarea")[1].split(">", 1)[1].split("</textarea>")[0])
    url = reverse("telemetry:define", args=[key.pk])
    assert viewer.post(url, {"text": text}).status_code == 403
    other = reviewer.post(url, {"text": text.replace("new_thing", "other_thing")})
    assert other.status_code == 422
    assert "counts.other_thing" in other.content.decode()
    assert reviewer.post(url, {"text": "key_path: ["}).status_code == 422
    assert not MetricDefinition.objects.filter(key_path__startswith="counts.").exists()
    sound = text.replace("Say what is counted, in one sentence.", "New things.").replace(
        'milestone: ""', 'milestone: "17.5"'
    )
    assert reviewer.post(url, {"text": sound}).status_code == 302
    definition = MetricDefinition.objects.get(key_path="counts.new_thing")
    assert definition.description == "New things."
