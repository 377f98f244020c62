"""What telemetry adds to pages of others: pings and consent of an installation, the home page, what needs me."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from rapidfuzz import fuzz

from portal.models import User
from portal.permissions import has_role
from portal.plugin import Health, HealthState, PanelContent, SearchHit, SourceLink
from portal.roles import Role
from telemetry import conf, watching
from telemetry.models import ErrorReport, MetadataReport, Ping, Sender, UnknownKey
from telemetry.pages.pings import STATE_BADGES


def installation_pings(request: HttpRequest, installation: Any) -> PanelContent | None:
    """The last pings of an installation and what it permits."""
    pings = list(
        Ping.objects.filter(uuid=installation.uuid, hostname=installation.hostname).order_by("-recorded_at")[:12]
    )
    if not pings:
        return None
    metadata = MetadataReport.objects.filter(ping__uuid=installation.uuid, ping__hostname=installation.hostname)
    errors = ErrorReport.objects.filter(uuid=installation.uuid, hostname=installation.hostname)
    newest = next((ping for ping in pings if ping.read_at), pings[0])
    return PanelContent(
        template="telemetry/panels/installation.html",
        context={
            "pings": pings,
            "badges": STATE_BADGES,
            "categories": newest.categories,
            "address": newest.address,
            "sender": Sender.objects.filter(uuid=installation.uuid, hostname=installation.hostname).first(),
            "may_administer": has_role(request.user, Role.ADMINISTRATOR),
            "metadata": metadata.aggregate(count=Count("id")),
            "errors": errors.count(),
            "uuid": installation.uuid,
            "hostname": installation.hostname,
        },
        menu=(("All pings", f"{reverse('telemetry:pings')}?q={installation.hostname}"),),
    )


def home(request: HttpRequest) -> PanelContent | None:
    """The ingest on the home page."""
    beat = watching.heartbeat(limit=0)
    return PanelContent(template="telemetry/panels/home.html", context={"ingest": watching.ingest(), "heartbeat": beat})


def waiting(user: User) -> Sequence[tuple[str, str]]:
    """What waits for this reviewer."""
    if not has_role(user, Role.REVIEWER):
        return []
    counts = Ping.objects.filter(state__in=["quarantined", "failed"]).aggregate(
        held=Count("id", filter=Q(state="quarantined")), failed=Count("id", filter=Q(state="failed"))
    )
    found = []
    if counts["held"]:
        found.append(
            (
                f"{counts['held']:,} ping{'s wait' if counts['held'] > 1 else ' waits'} in quarantine.",
                reverse("telemetry:quarantine"),
            )
        )
    if counts["failed"]:
        found.append((f"Reading {counts['failed']:,} pings failed.", reverse("telemetry:ingest")))
    return found


def resolve(references: Sequence[str]) -> Mapping[str, SourceLink]:
    """The pages of the pings behind ``telemetry:<id>``."""
    ids = [int(reference) for reference in references if reference.isdecimal() and len(reference) <= 18]
    return {str(ping.pk): _source_of(ping) for ping in Ping.objects.filter(pk__in=ids).only("pk", "hostname")}


def _source_of(ping: Ping) -> SourceLink:
    page = ping.get_absolute_url()
    return SourceLink(url=page, label=f"Ping {ping.pk} of {ping.hostname}", key_url=f"{page}?leaf={{key}}#body")


def search(query: str, user: Any, limit: int) -> Sequence[SearchHit]:
    """Senders by host name or uuid, a ping by its number, unknown keys."""
    if not has_role(user, Role.VIEWER):
        return []
    words = query.replace("\x00", "").strip()
    hits: list[SearchHit] = []
    number = words.removeprefix("#")
    if number.isdecimal() and len(number) < 19 and (ping := Ping.objects.filter(pk=int(number)).first()):
        hits.append(
            SearchHit(title=f"Ping {ping.pk}", url=ping.get_absolute_url(), kind="Ping", snippet=str(ping), score=95)
        )
    if len(words) < 2:
        return hits
    for sender in Sender.objects.filter(Q(hostname__icontains=words) | Q(uuid__istartswith=words))[: limit * 3]:
        hits.append(
            SearchHit(
                title=sender.hostname,
                url=f"{reverse('telemetry:pings')}?q={sender.hostname}",
                kind="Sender",
                snippet=f"{sender.pings:,} pings, version {sender.version or 'unknown'}, {sender.uuid}",
                score=float(fuzz.WRatio(words.lower(), sender.hostname.lower())),
            )
        )
    for key in UnknownKey.objects.filter(key_path__icontains=words)[:limit]:
        hits.append(
            SearchHit(
                title=key.key_path,
                url=reverse("telemetry:unknown-key", args=[key.pk]),
                kind="Unknown key",
                snippet=f"in {key.pings:,} pings, no definition",
                score=float(fuzz.partial_ratio(words.lower(), key.key_path.lower())) * 0.8,
            )
        )
    return sorted(hits, key=lambda hit: -hit.score)[:limit]


LATE = 300.0


def ingest_health() -> Health:
    """Whether pings are read in time and without failures."""
    state = watching.ingest()
    if state.waiting_for is not None and state.waiting_for.total_seconds() > LATE:
        minutes = int(state.waiting_for.total_seconds() // 60)
        return Health(
            state=HealthState.FAILED,
            sentence=f"{state.backlog:,} pings wait to be read, the oldest for {minutes:,} minutes. "
            "Is a worker running?",
        )
    if state.failed:
        return Health(
            state=HealthState.WARNING,
            sentence=f"Reading {state.failed:,} pings failed; the ingest page names the causes and tries again.",
        )
    return Health(
        state=HealthState.OK,
        sentence=f"{state.last_hour:,} pings in the last hour, {state.backlog:,} waiting, "
        f"{state.quarantined:,} in quarantine.",
    )


def heartbeat_health() -> Health:
    """Whether the population is alive."""
    beat = watching.heartbeat(limit=0)
    if not beat.known:
        return Health(state=HealthState.OK, sentence="No installation has pinged yet.")
    days = conf.options.silent_after.days
    sentence = f"{beat.alive:,} of {beat.known:,} installations pinged within {days} days."
    return Health(state=HealthState.OK if beat.alive * 2 >= beat.known else HealthState.WARNING, sentence=sentence)
