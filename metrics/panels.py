"""The metrics' panels on pages of the catalog and on the home page."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils import timezone

from metrics.boards.lines import Line, shown_month, trend_of
from metrics.boards.stage import Board, group_board, section_board, stage_board, stage_notes
from metrics.boards.table import overview
from metrics.engine.estimates import OFFICIAL
from metrics.figures.question import NO_CUT
from metrics.figures.sql import sql_of
from portal import words
from portal.slots import PanelContent
from stages.models import Group, Section, Stage
from stages.slots import Catalog

if TYPE_CHECKING:
    from django.http import HttpRequest


def _board(request: HttpRequest, stage: Stage) -> Board:
    """The stage's board, looked at once for all panels of a page."""
    boards: dict[int, Board] = request.__dict__.setdefault("_metrics_boards", {})
    if stage.pk not in boards:
        boards[stage.pk] = stage_board(stage)
    return boards[stage.pk]


def _as_of(board: Board) -> str:
    return "" if board.as_of is None else f"{board.as_of.astimezone(UTC):%H:%M} UTC, {words.day(board.as_of)}"


def _menu(line: Line) -> tuple[tuple[str, str], ...]:
    """What else can be done with a figure: its passport, the API call, the explorer."""
    question = line.now.question
    asked = f"indicator={question.indicator}&month={question.period}"
    if question.subject:
        asked += f"&{question.kind}={question.subject}"
    return (
        ("Passport", line.passport),
        ("API call", f"/api/v1/figures/?{asked}"),
        ("Open in explore", f"{reverse('metrics:explore')}?{asked}"),
    )


def stage_figures(request: HttpRequest, stage: Stage) -> PanelContent | None:
    """The strip: SMAU recorded and estimated, paid SMAU, coverage."""
    board = _board(request, stage)
    context = {"board": board, "lines": [board.main, board.paid], "main": board.main}
    return PanelContent(template="metrics/panels/figures.html", context=context, as_of=_as_of(board))


def stage_trend(request: HttpRequest, stage: Stage) -> PanelContent | None:
    """Fourteen months of the SMAU."""
    board = _board(request, stage)
    if not board.main.is_ever_there:
        return None
    context = {"chart": trend_of(board.main, marked=board.month), "line": board.main}
    return PanelContent(
        template="metrics/panels/trend.html", context=context, as_of=_as_of(board), menu=_menu(board.main)
    )


def stage_features(request: HttpRequest, stage: Stage) -> PanelContent | None:
    """The stage's metrics ranked by use."""
    return _features(_board(request, stage), "stage", stage.key)


def _features(board: Board, kind: str, key: str) -> PanelContent | None:
    if not board.features:
        return None
    context = {"board": board, "more_url": f"{reverse('metrics:dictionary')}?{kind}={key}&time_frame=28d"}
    return PanelContent(template="metrics/panels/features.html", context=context, as_of=_as_of(board))


def stage_groups(request: HttpRequest, stage: Stage) -> PanelContent | None:
    """The GMAU of each group."""
    board = _board(request, stage)
    if not any(line.is_ever_there for line in board.below):
        return None
    context = {"lines": board.below, "head": "Group"}
    return PanelContent(template="metrics/panels/lines.html", context=context, as_of=_as_of(board))


def stage_notes_panel(request: HttpRequest, stage: Stage) -> PanelContent | None:
    """Conflicts, broken metrics, open reviews, and what the figure says of itself."""
    board = _board(request, stage)
    notes = stage_notes(stage, board)
    if notes.is_empty and not board.main.notes:
        return None
    return PanelContent(template="metrics/panels/notes.html", context={"notes": notes, "line": board.main})


def stage_queries(request: HttpRequest, stage: Stage) -> PanelContent | None:
    """The recorded SMAU and GMAU as SQL on the portal's own tables, from the mapping in force."""
    queries = [
        (line, statement)
        for line in _own_and_below(_board(request, stage))
        if (statement := sql_of(line.now.question, line.now.metric))
    ]
    if not queries:
        return None
    return PanelContent(template="metrics/panels/queries.html", context={"queries": queries})


def stage_indicators(request: HttpRequest, stage: Stage) -> PanelContent | None:
    """Which metric of the dictionary each indicator of the stage is."""
    lines = [line for line in _own_and_below(_board(request, stage)) if line.now.metric is not None]
    return PanelContent(template="metrics/panels/indicators.html", context={"lines": lines}) if lines else None


def _own_and_below(board: Board) -> list[Line]:
    return [board.main, *board.below]


def group_figures(request: HttpRequest, group: Group) -> PanelContent | None:
    """GMAU and paid GMAU of a group with trend and metrics."""
    board = group_board(group)
    return _subject(board, features=board.features)


def section_figures(request: HttpRequest, section: Section) -> PanelContent | None:
    """The combined figure of a section with trend and its stages."""
    board = section_board(section)
    return _subject(board, below=board.below)


def _subject(board: Board, **more: Any) -> PanelContent:
    context = {
        "board": board,
        "lines": [board.main, board.paid],
        "main": board.main,
        "chart": trend_of(board.main, marked=board.month) if board.main.is_ever_there else None,
        "findings": board.findings,
        **more,
    }
    return PanelContent(template="metrics/panels/subject.html", context=context, as_of=_as_of(board))


def catalog_overview(request: HttpRequest, catalog: Catalog) -> PanelContent | None:
    """UMAU, CMAU and the SMAU of each stage, over the list of stages."""
    return _at_a_glance()


def home(request: HttpRequest) -> PanelContent | None:
    """UMAU, CMAU and the SMAU of each stage, on the home page."""
    return _at_a_glance()


def _at_a_glance() -> PanelContent | None:
    month = shown_month(timezone.now().date())
    parts = {part.kind: part for part in overview(month=month, cut=NO_CUT, grain=OFFICIAL)}
    lines = [line for kind in ("umau", "cmau") if kind in parts for line in parts[kind].lines]
    if not any(line.is_ever_there for line in lines):
        return None
    below = parts["smau"].lines if "smau" in parts else ()
    return PanelContent(template="metrics/panels/overview.html", context={"lines": lines, "below": below})
