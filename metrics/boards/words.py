"""Figures in words: why there is none, what to keep in mind, what a change was made of. No Django in here."""

from __future__ import annotations

from metrics.engine.estimates import Grain
from portal import words

GRAINS = {
    Grain.VERSION_SUBSCRIPTION: "by version, in subscriptions (official)",
    Grain.VERSION_SEAT: "by version, in seats",
    Grain.REPORTED_SUBSCRIPTION: "by reports, in subscriptions",
    Grain.REPORTED_SEAT: "by reports, in seats",
}
"""The estimation grains in words."""

FLAGS = {
    "no_report": "no installation reported in this month",
    "no_monthly_value": "no installation sent a usable value",
    "no_baseline": "a counter since install needs the month before, and it is missing",
    "reset": "at some installations the counter went down; they are left out",
    "no_metric_mapped": "no metric is mapped to it",
    "not_numeric": "its metric is not a number",
    "conflict": "two metrics are mapped to it, and there is no figure until one is chosen",
    "not_published": "the month is not published",
    "cannot_be_estimated": "for a part nothing can be estimated, because no subscription could report it",
    "paid_saas_not_measurable": "paid use of SaaS cannot be measured here, so it is not in it",
    "edition_missing": "some installations do not say their edition; they count as EE",
    "starter_as_premium": "Starter counts as Premium",
    "combined": "combined: people active in several stages count several times",
    "restated": "it has changed since it was published",
    "published": "as it was published",
}
"""Each flag of a figure as the middle of a sentence."""

WHY_EMPTY = (
    "conflict",
    "no_metric_mapped",
    "not_numeric",
    "not_published",
    "no_baseline",
    "reset",
    "no_report",
    "no_monthly_value",
)
"""Flags that explain a missing figure, the most telling first."""

SHORT = {
    "conflict": "conflict",
    "no_metric_mapped": "no metric",
    "not_numeric": "no number",
    "not_published": "not published",
    "no_baseline": "no baseline",
    "reset": "reset",
    "no_report": "no report",
    "no_monthly_value": "no value",
}


def flag_text(flag: str) -> str:
    """A flag in words; ``stages_missing`` names its stages."""
    name, _, rest = flag.partition(":")
    if name == "stages_missing":
        return f"without {', '.join(rest.split(','))}, which have no figure"
    return FLAGS.get(name, name.replace("_", " "))


def why_empty(flags: tuple[str, ...]) -> str:
    """Why there is no figure, as a sentence."""
    for word in WHY_EMPTY:
        if word in flags:
            return f"{FLAGS[word][:1].upper()}{FLAGS[word][1:]}."
    return "There is no figure."


def why_empty_short(flags: tuple[str, ...]) -> str:
    """The same in two words, for a table."""
    return next((SHORT[word] for word in WHY_EMPTY if word in flags), "no figure")


def notes(flags: tuple[str, ...]) -> list[str]:
    """What to keep in mind about a figure that is there."""
    said = [flag_text(flag) for flag in flags if flag not in (*WHY_EMPTY, "published") or flag == "reset"]
    return [f"{text[:1].upper()}{text[1:]}." for text in said]


SHORT_NOTES = {
    "paid_saas_not_measurable": "without paid SaaS",
    "cannot_be_estimated": "partly not estimated",
    "reset": "some resets",
    "edition_missing": "editions missing",
    "starter_as_premium": "Starter as Premium",
}


def short_notes(flags: tuple[str, ...]) -> list[str]:
    """What to keep in mind, in a few words for a table."""
    said = [SHORT_NOTES[flag] for flag in flags if flag in SHORT_NOTES]
    for flag in flags:
        name, _, rest = flag.partition(":")
        if name == "stages_missing":
            count = len(rest.split(","))
            said.append(f"without {count} stage{'' if count == 1 else 's'}")
    return said


def finding(subject: str, now: object, before: object, month: str) -> str:
    """A title that says what happened: ``Create grew 3.1 % in October 2026``."""
    said, direction = words.change(now, before)
    if direction not in ("up", "down") or "from" in said:
        return f"{subject}, {month}" if direction != "none" or not said else f"{subject} did not change in {month}"
    verb = "grew" if direction == "up" else "fell"
    return f"{subject} {verb} {said[2:]} in {month}"


REASONS = {
    "absent": ("The metric is not in the report", "an older version, or switched off"),
    "timed_out": ("Timed out", "the installation gave up counting"),
    "failed": ("Failed", "counting went wrong at the installation"),
    "not_collected": ("Not collected", "the installation left it for a later query"),
    "deprecated": ("Deprecated there", "the installation says that the metric is given up"),
    "wrong_type": ("Not a number", "what was sent cannot be counted"),
    "null": ("Empty", "the installation sent no value"),
    "not_permitted": ("Not permitted", "the installation does not share data of this category"),
    "no_baseline": ("No report of the month before", "a counter since install needs one"),
    "reset": ("The counter went down", "restored or reset since the month before"),
    "quarantined": ("In quarantine", "the report looks wrong and waits for a reviewer"),
    "rejected": ("Rejected", "a reviewer found the report to be wrong"),
    "excluded": ("Excluded", "an administrator keeps the installation out, with a reason"),
    "no_report": ("No report", "known, but silent in this month"),
    "not_in_cut": ("Outside the cut", "of another delivery, edition, tier or version"),
    "paid_not_measurable": ("Paid use not measurable", "a SaaS without readings of its paid users"),
    "erased": ("Erased", "its data were erased on request"),
    "no_metric_mapped": ("No metric", "no metric is mapped to the stage"),
    "conflict": ("Conflict", "two metrics are mapped to the stage, and neither counts until one is chosen"),
    "not_numeric": ("No number", "the metric of the stage is not a number"),
    "no_monthly_value": ("No value", "no installation sent a usable value for the stage"),
}
"""Why an installation does not count: the heading, and what it means."""


def reason_title(word: str) -> str:
    """The heading of a reason."""
    return REASONS.get(word, (word.replace("_", " "), ""))[0]


def reason_help(word: str) -> str:
    """What a reason means."""
    return REASONS.get(word, ("", ""))[1]
