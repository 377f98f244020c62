"""The recorded figure as one statement, for the curious: it runs on the portal's database with nothing to fill in."""

from __future__ import annotations

from collections.abc import Sequence

from metrics.engine.pages import PAGE_SIZE
from metrics.figures.load import WEEK_REPORTS, week_parameters
from metrics.figures.queries import Figure, Metric, published_moment
from metrics.figures.question import Cut, Question
from metrics.periods import Week


def sql_of(question: Question, metric: Metric | None, parts: Sequence[Figure] = ()) -> str:
    """The statement; empty where there is no metric. ``parts``: the figures that a combined one adds up."""
    statement = _combined(question, parts) if question.is_combined else _one(question, metric)
    return f"{statement};" if statement else ""


def _combined(question: Question, parts: Sequence[Figure]) -> str:
    statements = [one for part in parts if (one := _one(part.question, part.metric))]
    if not statements:
        return ""
    inner = "\nUNION ALL\n".join(_indented(one) for one in statements)
    head = f"-- {question.indicator}, {question.period}: the sum of {len(statements)} stages, people counted repeatedly"
    return f"{head}\nSELECT sum(recorded) AS recorded FROM (\n{inner}\n) AS stages"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _one(question: Question, metric: Metric | None) -> str:
    if metric is None or metric.slot is None:
        return ""
    lines = _week(question, metric) if isinstance(question.period, Week) else _month(question, metric)
    return "\n".join([*lines, *_cut(question.cut)]) if lines else ""


def _month(question: Question, metric: Metric) -> list[str]:
    page, index = divmod(metric.slot or 0, PAGE_SIZE)
    held = "to_revision IS NULL"
    if question.published:
        moment = published_moment(question.month)
        if moment is None:
            return []
        held = f"from_revision <= {moment[0]} AND (to_revision IS NULL OR to_revision > {moment[0]})"
    return [
        f"-- {metric.key_path}, {question.period}: the sum over the cells of the cut",
        f"SELECT sum(sums[{index + 1}]) AS recorded, sum(counts[{index + 1}]) AS reporting",
        "FROM metrics_cell",
        f"WHERE month = DATE '{question.month.first}' AND page = {page} AND {held}",
    ]


def _week(question: Question, metric: Metric) -> list[str]:
    week = question.period
    if not isinstance(week, Week):
        raise TypeError(week)
    page, index = divmod(metric.slot or 0, PAGE_SIZE)
    reports = WEEK_REPORTS
    for name, value in week_parameters(week).items():
        reports = reports.replace(f"%({name})s", str(value) if isinstance(value, int) else f"DATE '{value}'")
    state = f"get_byte(p.states, {index})"
    return [
        f"-- {metric.key_path}, {week}: the sum over the last report of each installation in the week",
        f'SELECT sum(CASE {state} WHEN 0 THEN p."values"[{index + 1}]',
        f"           WHEN 9 THEN (p.wide ->> '{index}')::numeric END) AS recorded,",
        f"       count(*) FILTER (WHERE {state} IN (0, 9)) AS reporting",
        f"FROM ({reports}) AS reports",
        f"JOIN metrics_reportpage p ON p.report_id = reports.id AND p.page = {page}",
        "WHERE NOT excluded",
    ]


def _cut(cut: Cut) -> list[str]:
    if cut.paid:
        lines = [
            "  AND (delivery = 'saas' AND population = 'paid'",
            "       OR delivery = 'self_managed' AND population = 'all' AND tier <> 'free')",
        ]
    else:
        lines = ["  AND population = 'all'"]
    lines += [
        f"  AND {name} = '{getattr(cut, name)}'" for name in ("delivery", "edition", "tier") if getattr(cut, name)
    ]
    if cut.version:
        lines.append(f"  AND version_number = {cut.version_number}")
    return lines
