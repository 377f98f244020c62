"""Figure ids are readable, fit for URLs, and lead back to the question."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.engine.estimates import Grain
from metrics.figures.question import Cut, Question, QuestionError, make_cut, parse_id
from metrics.periods import Month, Week

cuts = st.builds(
    Cut,
    delivery=st.sampled_from(["", "saas", "self_managed"]),
    edition=st.sampled_from(["", "CE", "EE"]),
    tier=st.sampled_from(["", "free", "premium", "ultimate"]),
    paid=st.booleans(),
    version=st.sampled_from(["", "13.3", "9.10"]),
)
months = st.builds(Month, st.integers(2000, 2100), st.integers(1, 12))
key_paths = st.text(min_size=1, max_size=30) | st.from_regex(r"[a-z_]+(\.[a-z0-9_-]+){0,4}", fullmatch=True)


@given(st.sampled_from(["metric", "amau"]), months, key_paths, cuts, st.sampled_from(list(Grain)), st.booleans())
def test_an_id_leads_back_to_its_question(
    indicator: str, month: Month, key_path: str, cut: Cut, grain: Grain, published: bool
) -> None:
    try:
        key_path.encode()
    except UnicodeEncodeError:
        return
    asked = Question(indicator, month, key_path, cut, grain, published)
    assert parse_id(asked.id) == asked
    assert "/" not in asked.id
    assert quote(asked.id, safe="!~._-") == asked.id


@pytest.mark.parametrize(
    ("question", "figure_id"),
    [
        (Question("smau", Month(2026, 10), "create"), "smau.create.2026-10"),
        (Question("umau", Month(2026, 10), published=True), "umau.2026-10~published"),
        (Question("cmau", Month(2026, 10), grain=Grain.REPORTED_SEAT), "cmau.2026-10~reported-seat"),
        (
            Question("metric", Month(2026, 10), "counts.issues", Cut("self_managed", "EE", "premium", True, "13.3")),
            "metric.counts.issues.2026-10~self_managed~EE~premium~paid~v13.3",
        ),
        (Question("metric", Week(2026, 43), "counts_weekly.x"), "metric.counts_weekly.x.2026-W43"),
        (Question("paid_gmau", Month(2026, 10), "source_code"), "paid_gmau.source_code.2026-10"),
    ],
)
def test_ids_read_well(question: Question, figure_id: str) -> None:
    assert question.id == figure_id
    assert parse_id(figure_id) == question


@pytest.mark.parametrize(
    "text", ["", "smau", "smau.create", "smau.create.2026-10~blue", "total.2026-10", "umau.x.2026-10"]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(QuestionError):
        parse_id(text)


def test_a_cut_names_what_is_wrong_with_it() -> None:
    with pytest.raises(QuestionError) as refused:
        make_cut(version="13")
    assert refused.value.parameter == "version"
    assert make_cut(version="13.03").version == "13.3"
