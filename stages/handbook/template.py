"""The template of the handbook page: kinds by their headings, prompts, and how to tell a placeholder. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rapidfuzz import fuzz, process


@dataclass(frozen=True, kw_only=True)
class KindTemplate:
    """What the template says of a kind of block."""

    kind: str
    heading: str
    headings: tuple[str, ...]
    label: str = ""
    prompt: str = ""
    help: str = ""
    placeholders: tuple[str, ...] = ()


TEMPLATES: tuple[KindTemplate, ...] = (
    KindTemplate(
        kind="dashboards",
        heading="Top dashboards referenced by this team",
        headings=("top dashboards", "dashboards", "key dashboards", "dashboards referenced by this team"),
        label="Link to a dashboard",
        prompt="Group specification if applicable, brief description of dashboard and how it's used",
        help="Which dashboards does this team really open? Say which group uses each, and for what.",
        placeholders=("Link to a dashboard",) * 3,
    ),
    KindTemplate(
        kind="data_docs",
        heading="Important data documentation",
        headings=("data documentation", "data docs", "sql", "queries", "important data"),
        help="The query for SMAU and GMAU ready to copy, or the tables to use in words.",
        placeholders=("SMAU", "GMAU", "Other"),
    ),
    KindTemplate(
        kind="research",
        heading="Helpful user research and demos",
        headings=(
            "user research and demos",
            "user research",
            "research",
            "demos",
            "research and demos",
            "helpful video resources",
            "video resources",
            "videos",
            "helpful videos",
        ),
        label="Link to user research or demos",
        prompt="Group specification if applicable, brief description of youtube channel linked or specific singular "
        "video resource",
        help="Interviews, demos, video playlists: where does one see the product being used?",
        placeholders=("Link to user research or demos",),
    ),
    KindTemplate(
        kind="roadmap",
        heading="Product roadmap link",
        headings=("product roadmap", "roadmap", "roadmap link", "product direction", "direction", "vision"),
        label="Link to product roadmap",
        prompt="Resource to understand the long-term goals for this team",
        help="Where are the long-term goals of this team written?",
        placeholders=("Link to product roadmap",),
    ),
    KindTemplate(
        kind="okrs",
        heading="OKRs",
        headings=("okr", "okrs", "objectives and key results", "link to okrs"),
        label="Link to OKRs handbook page",
        prompt="Resource to understand the current OKRs for this team",
        help="Where are this quarter's objectives? A stage may have performance indicators instead.",
        placeholders=("Link to OKRs handbook page",),
    ),
    KindTemplate(
        kind="indicators",
        heading="Performance indicators",
        headings=("performance indicators", "indicators", "kpis", "pis"),
        label="Link to performance indicators",
        prompt="Resource to understand the performance indicators for this team",
        help="Which performance indicators is this stage judged by?",
        placeholders=("Link to performance indicators",),
    ),
    KindTemplate(
        kind="key_pages",
        heading="Key handbook pages",
        headings=("key handbook pages", "handbook pages", "key documentation", "key pages", "documentation"),
        label="Link to helpful handbook page",
        prompt="Describe why this handbook page is helpful for product analysts",
        help="Which pages should an analyst read first, and why?",
        placeholders=("Link to helpful handbook page",),
    ),
    KindTemplate(
        kind="slack",
        heading="Slack channels",
        headings=("slack channels", "slack channel", "slack", "channels"),
        prompt="Description",
        help="Where does one ask this team?",
        placeholders=("#slack-channel",),
    ),
    KindTemplate(
        kind="team",
        heading="Team hierarchy",
        headings=("team hierarchy", "team heirarchy", "team members", "team", "people", "hierarchy", "heirarchy"),
        label="Link to team hierarchy",
        help="Who is on the team, and whom does one ask for what?",
        placeholders=("Link to team hierarchy",),
    ),
)
BY_KIND = {template.kind: template for template in TEMPLATES}
KINDS = tuple(BY_KIND)
DESCRIPTION_HELP = "What does this stage do, in one sentence? What is it after?"

# Two lists of words: those that alone make a description a prompt, whatever stands beside it.
PROMPTS = re.compile(
    r"^(group specification if applicable\b.*|describe why this handbook page\b.*|description)\.?$",
    re.IGNORECASE | re.DOTALL,
)
SHORT_DESCRIPTION = re.compile(r"^short description of\b.*\bstage\.?$", re.IGNORECASE)
TABLE_CALLED_TABLE = re.compile(r"\bfrom\s+(?:table|\"table\"|`table`)(?![\w.(\"`])(?!\s*\()", re.IGNORECASE)
PLACEHOLDER_CHANNEL = "#slack-channel"


def simplified(heading: str) -> str:
    """A heading in small letters without marks, attributes and closing colon."""
    text = re.sub(r"\{:?[^{}]*\}", " ", heading)
    text = re.sub(r"['’]", "", text).replace("&", " and ")
    text = re.sub(r"[*_`#:]+", " ", text)
    return " ".join(text.casefold().split())


def _headings() -> dict[str, str]:
    known: dict[str, str] = {}
    for template in TEMPLATES:
        for heading in (template.heading, *template.headings):
            known.setdefault(simplified(heading), template.kind)
    return known


HEADINGS = _headings()
LONG_HEADINGS = [heading for heading in HEADINGS if len(heading) >= 6]


def kind_of_heading(heading: str) -> str | None:
    """The kind that a heading means; small misspellings are forgiven, another meaning is not guessed."""
    wanted = simplified(heading)
    if wanted in HEADINGS:
        return HEADINGS[wanted]
    if not 6 <= len(wanted) <= 60:
        return None
    near = process.extractOne(wanted, LONG_HEADINGS, scorer=fuzz.ratio, score_cutoff=88)
    return HEADINGS[near[0]] if near is not None and abs(len(near[0]) - len(wanted)) <= 3 else None


def is_usual_heading(heading: str, kind: str) -> bool:
    """Whether a heading is the template's own, apart from case and the misspelt "heirarchy"."""
    return simplified(heading).replace("heirarchy", "hierarchy") == simplified(BY_KIND[kind].heading)


def is_prompt(description: str) -> bool:
    """Whether a description is the template's and says nothing of this item."""
    return bool(PROMPTS.match(" ".join(description.split())))


def is_placeholder_sql(text: str) -> bool:
    """Whether a query reads from a table called table."""
    return bool(TABLE_CALLED_TABLE.search(text))


def corrected(label: str) -> str:
    """A template label with its misspelling put right."""
    return re.sub("heirarchy", "hierarchy", label)
