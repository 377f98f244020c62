"""portal ◀ stages ◀ metrics ◀ telemetry: each names only those before it, by import and by string."""

from __future__ import annotations

import pytest

from tests.architecture.references import CHECKOUT, LAYERS, above, in_python, in_text, references

TESTS_OF = {"portal": ("conftest.py", "builders.py", "subportal.py", "portal")}


@pytest.mark.parametrize("layer", LAYERS[:-1])
def test_a_layer_names_no_layer_above_it(layer: str) -> None:
    found = [str(reference) for reference in references(CHECKOUT / layer, above(layer))]
    assert found == []


@pytest.mark.parametrize("layer", LAYERS[:-1])
def test_the_tests_of_a_layer_name_no_layer_above_it(layer: str) -> None:
    places = [CHECKOUT / "tests" / name for name in TESTS_OF.get(layer, (layer,))]
    found = [str(reference) for place in places for reference in references(place, above(layer))]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "import metrics",
        "from metrics.models import Figure",
        "import metrics.models as m",
        "owner = ForeignKey('metrics.MetricDefinition')",
        "apps.get_app_config('metrics')",
        "reverse('metrics:detail')",
        "render(request, 'metrics/detail.html')",
        "import_string('metrics.tasks.roll_up')",
        "redirect('/metrics/x/')",
        "cursor.execute('SELECT 1 FROM metrics_figure')",
        "if x:\n    def f():\n        '''prose'''\n        return 'metrics.Figure'",
    ],
)
def test_the_reader_sees_every_way_to_name_a_layer(code: str) -> None:
    assert [reference.layer for reference in in_python(code, "x.py", ["metrics"])] == ["metrics"]


@pytest.mark.parametrize(
    "code",
    ["'''metrics.Figure is prose'''", "x = 'the metrics of it'", "from portal.metrics import x", "# metrics.Figure"],
)
def test_the_reader_takes_no_prose_for_a_reference(code: str) -> None:
    assert list(in_python(code, "x.py", ["metrics"])) == []


@pytest.mark.parametrize(
    "line",
    [
        "{% url 'metrics:detail' pk %}",
        '{% include "metrics/_row.html" %}',
        "{% load metrics_tags %}",
        '<a href="/metrics/">',
        'fetch("/metrics/x.json")',
    ],
)
def test_the_reader_sees_templates_and_scripts_too(line: str) -> None:
    assert [reference.layer for reference in in_text(line, "x.html", ["metrics"])] == ["metrics"]
