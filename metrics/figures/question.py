"""What can be asked, and the id that stands for it: short, readable, fit for a URL. No Django in here.

``smau.create.2026-10``, ``metric.counts.issues.2026-10~self_managed~premium``, ``cmau.2026-10~reported-seat``,
``umau.2026-10~published``: indicator, subject and period by dots, then what differs from the default by tildes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from metrics.engine.estimates import OFFICIAL, Grain
from metrics.engine.rules import version_number, version_text
from metrics.periods import Month, Period, Week, parse_period

INDICATORS = ("smau", "gmau", "paid_gmau", "umau", "section_cmau", "cmau", "amau", "metric")
SUBJECT_OF = {
    "smau": "stage",
    "gmau": "group",
    "paid_gmau": "group",
    "umau": "product",
    "section_cmau": "section",
    "cmau": "product",
    "amau": "metric",
    "metric": "metric",
}
"""What each indicator is about."""

COMBINED = ("section_cmau", "cmau")
DELIVERIES = ("saas", "self_managed")
EDITIONS = ("CE", "EE")
TIERS = ("free", "premium", "ultimate")
AS = ("live", "published")


class QuestionError(ValueError):
    """A question that has no answer: the parameter at fault and a sentence."""

    def __init__(self, parameter: str, sentence: str) -> None:
        super().__init__(sentence)
        self.parameter = parameter
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of all installations; empty = not cut that way. Parts combine with AND."""

    delivery: str = ""
    edition: str = ""
    tier: str = ""
    paid: bool = False
    version: str = ""

    @property
    def version_number(self) -> int | None:
        """The version as a number."""
        return version_number(self.version) if self.version else None

    @property
    def known_counts(self) -> bool:
        """Whether it can be said how many installations are known: uncut, or by delivery."""
        return not (self.edition or self.tier or self.paid or self.version)

    def as_json(self) -> dict[str, str | bool]:
        """Only what is cut."""
        found: dict[str, str | bool] = {}
        for name in ("delivery", "edition", "tier", "paid", "version"):
            value = getattr(self, name)
            if value:
                found[name] = value
        return found

    def words(self) -> str:
        """For people: ``self-managed, premium``; empty when uncut."""
        parts = [self.delivery.replace("saas", "SaaS").replace("self_managed", "self-managed"), self.edition, self.tier]
        parts += ["paid" if self.paid else "", f"version {self.version}" if self.version else ""]
        return ", ".join(part for part in parts if part)


NO_CUT = Cut()


@dataclass(frozen=True, slots=True)
class Question:
    """One figure: which indicator, of what, when, of whom, estimated how, now or as published."""

    indicator: str
    period: Period
    subject: str = ""
    cut: Cut = NO_CUT
    grain: Grain = OFFICIAL
    published: bool = False

    def __post_init__(self) -> None:
        if self.indicator not in INDICATORS:
            raise QuestionError(
                "indicator", f"indicator: {self.indicator!r} is none; it is one of {', '.join(INDICATORS)}."
            )
        kind = SUBJECT_OF[self.indicator]
        if kind != "product" and not self.subject:
            raise QuestionError(kind, f"{kind}: {self.indicator} needs a {kind}.")
        if kind == "product" and self.subject:
            raise QuestionError("indicator", f"indicator: {self.indicator} is about the whole product.")
        if isinstance(self.period, Week) and self.indicator != "metric":
            raise QuestionError("week", "week: weekly figures exist for single metrics of 7 days (indicator metric).")
        if isinstance(self.period, Week) and self.published:
            raise QuestionError("as", "as: weeks are not published, only months are.")
        if self.indicator == "paid_gmau" and not self.cut.paid:
            # The paid GMAU is the paid cut by its name.
            object.__setattr__(self, "cut", replace(self.cut, paid=True))

    @property
    def kind(self) -> str:
        """What kind of subject it is about."""
        return SUBJECT_OF[self.indicator]

    @property
    def month(self) -> Month:
        """The month; only for questions about months."""
        if not isinstance(self.period, Month):
            raise QuestionError("month", f"month: {self.period} is a week.")
        return self.period

    @property
    def is_combined(self) -> bool:
        """Whether it is a sum of other figures."""
        return self.indicator in COMBINED

    @property
    def id(self) -> str:
        """The figure's id."""
        head = ".".join([self.indicator, *([_escaped(self.subject)] if self.subject else []), str(self.period)])
        cut = self.cut
        parts = [cut.delivery, cut.edition, cut.tier]
        parts.append("paid" if cut.paid and self.indicator != "paid_gmau" else "")
        parts.append(f"v{cut.version}" if cut.version else "")
        parts.append(self.grain.value if self.grain is not OFFICIAL else "")
        parts.append("published" if self.published else "")
        return "~".join([head, *(part for part in parts if part)])


_HEAD = re.compile(r"([a-z_]+)\.(?:(.+)\.)?(\d{4}-(?:W?\d{2}))")


def parse_id(text: str) -> Question:
    """The question that a figure's id stands for."""
    head, *parts = text.split("~")
    match = _HEAD.fullmatch(head)
    if match is None:
        raise QuestionError("id", f"id: {text!r} is no figure; one looks like smau.create.2026-10.")
    try:
        period = parse_period(match[3])
    except ValueError as error:
        raise QuestionError("id", f"id: {error}.") from error
    cut: dict[str, Any] = {}
    grain, published = OFFICIAL, False
    grains = {grain.value: grain for grain in Grain}
    for part in parts:
        if part in DELIVERIES:
            cut["delivery"] = part
        elif part in EDITIONS:
            cut["edition"] = part
        elif part in TIERS:
            cut["tier"] = part
        elif part == "paid":
            cut["paid"] = True
        elif part in grains:
            grain = grains[part]
        elif part == "published":
            published = True
        elif part.startswith("v") and version_number(part[1:]) is not None:
            cut["version"] = part[1:]
        else:
            raise QuestionError("id", f"id: {part!r} in {text!r} is no delivery, edition, tier, version or grain.")
    return Question(
        indicator=match[1],
        period=period,
        subject=_unescaped(match[2] or ""),
        cut=Cut(**cut),
        grain=grain,
        published=published,
    )


def make_cut(*, delivery: str = "", edition: str = "", tier: str = "", paid: bool = False, version: str = "") -> Cut:
    """A cut from words as a person or a script writes them; refuses what is none, naming the parameter."""
    for name, value, allowed in (
        ("delivery", delivery, DELIVERIES),
        ("edition", edition, EDITIONS),
        ("tier", tier, TIERS),
    ):
        if value and value not in allowed:
            raise QuestionError(name, f"{name}: {value!r} is none; it is one of {', '.join(allowed)}.")
    if version:
        number = version_number(version)
        if number is None or not re.fullmatch(r"\d+\.\d+", version.strip()):
            raise QuestionError("version", f"version: {version!r} is none; write major.minor, for example 13.12.")
        version = version_text(number)
    return Cut(delivery=delivery, edition=edition, tier=tier, paid=paid, version=version)


def make_grain(text: str) -> Grain:
    """A grain by its word; empty = the official one."""
    if not text:
        return OFFICIAL
    for grain in Grain:
        if grain.value == text:
            return grain
    raise QuestionError("grain", f"grain: {text!r} is none; it is one of {', '.join(grain.value for grain in Grain)}.")


def _escaped(subject: str) -> str:
    return quote(subject, safe="").replace("~", "%7E").replace("%", "!")


def _unescaped(text: str) -> str:
    return unquote(text.replace("!", "%"))


__all__ = [
    "AS",
    "COMBINED",
    "DELIVERIES",
    "EDITIONS",
    "INDICATORS",
    "NO_CUT",
    "SUBJECT_OF",
    "TIERS",
    "Cut",
    "Question",
    "QuestionError",
    "make_cut",
    "make_grain",
    "parse_id",
]
