"""Numbers about the portal itself, for Prometheus.

Counters and histograms are made at import, by ``counter`` and ``histogram``, in any module of the host or a plugin;
``gauges`` is for what is asked at each scrape.
Several web processes share them through files where ``PROMETHEUS_MULTIPROC_DIR`` is set, as ``make serve`` does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence

import structlog
from django.http import HttpRequest, HttpResponseBase
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

log = structlog.get_logger(__name__)

REGISTRY = CollectorRegistry()
AT_SCRAPE = CollectorRegistry()
PREFIX = "stageboard"


def counter(name: str, words: str, labels: Sequence[str] = ()) -> Counter:
    """A number that only grows; Prometheus sees ``stageboard_<name>_total``."""
    return Counter(name, words, labels, namespace=PREFIX, registry=REGISTRY)


def histogram(name: str, words: str, labels: Sequence[str] = (), buckets: Sequence[float] | None = None) -> Histogram:
    """How long things take, or how large they are."""
    return Histogram(
        name, words, labels, namespace=PREFIX, registry=REGISTRY, buckets=tuple(buckets or Histogram.DEFAULT_BUCKETS)
    )


class _Asked(Collector):
    """Numbers that are asked for at each scrape; what fails is logged and left out."""

    def __init__(self, ask: Callable[[], Iterable[tuple[str, str, float]]]) -> None:
        self.ask = ask

    def collect(self) -> Iterable[Metric]:
        try:
            found = list(self.ask())
        except Exception:
            log.exception("asking for numbers failed", by=self.ask.__module__)
            return
        for name, words, value in found:
            yield GaugeMetricFamily(f"{PREFIX}_{name}", words, value=value)


def gauges(ask: Callable[[], Iterable[tuple[str, str, float]]]) -> None:
    """Numbers that go up and down and are the same in every process: asked for now, as name, words and value."""
    AT_SCRAPE.register(_Asked(ask))


REQUESTS = histogram(
    "request_seconds",
    "Time to answer requests, by method and class of status",
    ("method", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestNumbersMiddleware:
    """Counts and times every request; costs some ten microseconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        begun = time.perf_counter()
        response = self.get_response(request)
        observe(request.method or "", response.status_code, time.perf_counter() - begun)
        return response


def observe(method: str, status: int, seconds: float) -> None:
    """Count one answer."""
    REQUESTS.labels(method if method in METHODS else "OTHER", f"{status // 100}xx").observe(seconds)


def scrape() -> bytes:
    """Everything in Prometheus' text form: the shared counters, and the state of each check asked for now."""
    from portal import health
    from portal.models import Job
    from portal.plugin import HealthState

    now = CollectorRegistry()
    state = Gauge(
        "check",
        "State of each check: 0 fine, 1 worth a look, 2 broken",
        ("owner", "name"),
        namespace=PREFIX,
        registry=now,
    )
    seconds = Gauge("check_seconds", "Time each check took", ("owner", "name"), namespace=PREFIX, registry=now)
    level = {HealthState.OK: 0, HealthState.WARNING: 1, HealthState.FAILED: 2}
    for result in health.results():
        state.labels(result.owner, result.name).set(level[result.state])
        seconds.labels(result.owner, result.name).set(result.seconds)
    running = Gauge("jobs", "Long work by state, waiting and running", ("state",), namespace=PREFIX, registry=now)
    for name in (Job.State.WAITING, Job.State.RUNNING):
        running.labels(name.value).set(Job.objects.filter(state=name).count())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # its library leaves it untyped
        return generate_latest(shared) + generate_latest(now) + generate_latest(AT_SCRAPE)
    return generate_latest(REGISTRY) + generate_latest(now) + generate_latest(AT_SCRAPE)
