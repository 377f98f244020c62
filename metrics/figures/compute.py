"""From the sums of a month to a figure. No Django in here: the same for live figures, snapshots and weeks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from metrics.engine.estimates import EditionEstimate, Grain, Subscribed, estimate, rounded
from metrics.exact import Number, total
from metrics.figures.question import Cut

SAAS, SELF_MANAGED = "saas", "self_managed"


@dataclass(frozen=True, slots=True)
class Sum:
    """Monthly values of a metric over the installations of one finest cut (``version`` is only set when asked for)."""

    population: str
    delivery: str
    edition: str
    tier: str
    version: int | None
    value: Number
    reporting: int
    ok: int
    resets: int


@dataclass(frozen=True, slots=True)
class Pinging:
    """Installations with a month's report in one finest cut."""

    population: str
    delivery: str
    edition: str
    tier: str
    version: int | None
    pinging: int
    edition_noted: int
    starter: int


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a figure of one metric in one month is made of."""

    sums: Sequence[Sum] = ()
    pinging: Sequence[Pinging] = ()
    subscribed: Subscribed = field(default_factory=Subscribed)
    firsts: Mapping[str, int] = field(default_factory=dict)
    reported: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many installations stand behind a figure; ``None`` where it cannot be said."""

    reporting: int | None = None
    pinging: int | None = None
    known: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A figure's numbers. ``parts``: the estimate by edition; ``saas``: the recorded SaaS part, if any."""

    recorded: Number | None
    uplift: int | None
    coverage: Coverage
    flags: tuple[str, ...] = ()
    parts: tuple[EditionEstimate, ...] = ()
    saas: Number | None = None

    @property
    def estimated(self) -> Number | None:
        """Recorded and uplift together."""
        return None if self.recorded is None or self.uplift is None else total(self.recorded, self.uplift)

    def exact_parts(self) -> dict[str, Number | Fraction]:
        """The unrounded estimate by delivery and edition, for predictions."""
        found: dict[str, Number | Fraction] = {}
        if self.saas is not None:
            found[SAAS] = self.saas
        for part in self.parts:
            found[f"{SELF_MANAGED} {part.edition}"] = Fraction(part.recorded) + part.uplift
        return found


def is_in(row: Sum | Pinging, cut: Cut) -> bool:
    """Whether a finest cut belongs to an asked one.

    Paid SaaS users are counted by readings of their own (population paid), never by the whole of a SaaS.
    """
    if cut.paid and row.delivery == SAAS:
        if row.population != "paid":
            return False
    elif row.population != "all" or (cut.paid and row.tier == "free"):
        return False
    return (
        (not cut.delivery or row.delivery == cut.delivery)
        and (not cut.edition or row.edition == cut.edition)
        and (not cut.tier or row.tier == cut.tier)
        and (not cut.version or row.version == cut.version_number)
    )


def answer(inputs: Inputs, *, cut: Cut, grain: Grain | None) -> Answer:
    """The figure of these inputs in a cut; without a grain (weeks) there is no estimate."""
    sums = [row for row in inputs.sums if is_in(row, cut)]
    pinging = [row for row in inputs.pinging if is_in(row, cut)]
    with_value = [row for row in sums if row.reporting]
    reporting = sum(row.reporting for row in sums)
    pings = sum(row.pinging for row in pinging)
    known = pings + (0 if cut.delivery == SAAS else inputs.subscribed.silent) if cut.known_counts else None
    coverage = Coverage(reporting, pings, known if grain is not None else None)
    flags = list(_notes(pinging))
    if cut.paid and _paid_saas_is_missing(inputs, cut):
        flags.append("paid_saas_not_measurable")
    if not with_value:
        return Answer(None, None, coverage, (*_why_null(sums, pings), *flags))
    recorded = total(*(row.value for row in with_value))
    by_edition: dict[str, Number] = {}
    for row in with_value:
        if row.delivery == SELF_MANAGED:
            by_edition[row.edition] = total(by_edition.get(row.edition, 0), row.value)
    of_saas = [row.value for row in with_value if row.delivery == SAAS]
    saas = total(*of_saas) if of_saas else None
    if grain is None:
        return Answer(recorded, None, coverage, tuple(flags), saas=saas)
    parts = estimate(
        grain,
        recorded=by_edition,
        firsts=inputs.firsts,
        subscribed=inputs.subscribed,
        reported=inputs.reported,
    )
    if any(part.cannot for part in parts):
        flags.append("cannot_be_estimated")
    if any(row.resets for row in sums):
        flags.append("reset")
    return Answer(recorded, rounded(parts), coverage, tuple(flags), tuple(parts), saas)


def _why_null(sums: Iterable[Sum], pinging: int) -> list[str]:
    rows = list(sums)
    if not pinging and not rows:
        return ["no_report"]
    ok, resets = sum(row.ok for row in rows), sum(row.resets for row in rows)
    why = ["no_monthly_value"]
    if ok > resets:
        why.append("no_baseline")
    if resets:
        why.append("reset")
    return why


def _notes(pinging: Iterable[Pinging]) -> Iterable[str]:
    rows = list(pinging)
    if any(row.edition_noted for row in rows):
        yield "edition_missing"
    if any(row.starter for row in rows):
        yield "starter_as_premium"


def _paid_saas_is_missing(inputs: Inputs, cut: Cut) -> bool:
    """Whether a SaaS of the cut sent a report but no paid reading of this metric."""
    if cut.delivery == SELF_MANAGED:
        return False
    there = sum(row.pinging for row in inputs.pinging if row.delivery == SAAS and row.population == "all")
    paid = sum(row.reporting for row in inputs.sums if row.delivery == SAAS and row.population == "paid")
    return there > paid


def combined(answers: Mapping[str, Answer]) -> Answer:
    """The sum of the figures that exist, by subject; those missing are named. It counts people more than once."""
    there = {key: found for key, found in answers.items() if found.recorded is not None}
    missing = sorted(key for key in answers if key not in there)
    flags = ["combined"]
    if missing:
        flags.append("stages_missing:" + ",".join(missing))
    for word in ("paid_saas_not_measurable", "cannot_be_estimated"):
        if any(word in found.flags for found in answers.values()):
            flags.append(word)
    if not there:
        return Answer(None, None, Coverage(), ("no_monthly_value", *flags))
    recorded = total(*(found.recorded for found in there.values() if found.recorded is not None))
    return Answer(recorded, sum(found.uplift or 0 for found in there.values()), Coverage(), tuple(flags))
