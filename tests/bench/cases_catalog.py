"""The catalog with 5,000 resources: searching it, and saving a block of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from django.test import Client

from stages.content import Item
from stages.models import BlockKind, Resource, Stage
from tests.bench.harness import Bench, Row, case, part
from tests.bench.load import LEAVES, STAGE, WORDS, key_paths
from tests.builders import a_user
from tests.conftest import browser_of
from tests.live.world import define
from tests.stages.builders import a_block, a_section, a_stage

KINDS = (BlockKind.DASHBOARDS, BlockKind.DATA_DOCS, BlockKind.SLACK, BlockKind.OTHER)
STAGES = 20
ITEMS = 63
"""Items of a block: with the stages and kinds, a little more than 5,000."""


def an_item(kind: str, number: int, chance: random.Random) -> Item:
    """A resource with words like those of real ones."""
    words = chance.sample(WORDS.split(), 6)
    if kind == BlockKind.DATA_DOCS:
        text = f"SELECT {words[0]}, count(*)\nFROM {words[1]}_{words[2]}_{number}\nGROUP BY 1"
        return Item(label=f"{words[0]} {number}", text=text, dialect="sql", doc_label="other")
    url = f"https://example.com/{words[0]}/{number}"
    return Item(label=f"{' '.join(words[:3])} {number}", url=url, description=" ".join(words[3:]).capitalize() + ".")


def fill(items: int) -> list[Stage]:
    """Stages with blocks full of resources, written by the verb that the editor uses."""
    chance, numbers, section = random.Random(5), count(1), a_section("bench")
    stages = [a_stage(f"bench-{number}", section=section) for number in range(STAGES)]
    for stage in stages:
        for kind in KINDS:
            written = [an_item(kind, next(numbers), chance) for _ in range(items)]
            a_block(stage, kind, *written, heading="More" if kind == BlockKind.OTHER else "")
    return stages


def questions() -> Iterator[str]:
    """What people type: a word, several, with a slip, part of a name of a table."""
    chance = random.Random(9)
    words = WORDS.split()
    while True:
        one, two, three = chance.sample(words, 3)
        at = chance.randrange(1, len(one))
        yield one
        yield f"which dashboards use {two} {three}"
        yield one[:at] + one[at + 1 :] if len(one) > 4 else one
        yield f"{two}_{three}_{chance.randrange(5000)}"


def timed(ask: Callable[[], Any], wanted: int) -> float:
    """Milliseconds of an answer, which must be the wanted one."""
    begun = time.perf_counter()
    answer = ask()
    taken = (time.perf_counter() - begun) * 1000
    if answer.status_code != wanted:
        raise RuntimeError(f"answered {answer.status_code}: {answer.content[:300]!r}")
    return taken


def save(client: Client, stage: Stage, version: int, label: str) -> float:
    """Change the first of 25 items and send the form."""
    chance = random.Random(3)
    data: dict[str, object] = {"action": "save", "base_version": version, "order": [str(n) for n in range(25)]}
    for number in range(25):
        item = an_item(BlockKind.DASHBOARDS, number, chance)
        data[f"item-{number}-label"] = label if number == 0 else item.label
        data[f"item-{number}-url"] = item.url
        data[f"item-{number}-description"] = item.description
    url = f"/stages/{stage.key}/edit/{BlockKind.DASHBOARDS}/"
    return timed(lambda: client.post(url, data, headers={"HX-Request": "true"}), 200)


@case("catalog", order=50)
def catalog(bench: Bench) -> list[Row]:
    """Twenty stages with 5,000 resources of four kinds, and a dictionary of 2,000 metrics. *Search* is the whole
    search page, through all middleware, in process, for words, questions, slips and names of tables; *the first
    after a change* is one that has to read anew what somebody saved, which each web worker does once. *Saving* is the
    editor's form with 25 items, one of them changed, sent as the page does it, with history, followers and the block's
    new HTML.
    """
    define([STAGE], key_paths(200 if bench.quick else LEAVES))
    stages = fill(8 if bench.quick else ITEMS)
    bench.say(f"  {Resource.objects.count():,} resources")
    reader, editor = browser_of(a_user("bench-reader", "viewer")), browser_of(a_user("bench-editor", "editor"))
    asked = questions()

    def search() -> float:
        return timed(lambda: reader.get("/search/", {"q": next(asked)}), 200)

    search()
    searches = [search() for _ in range(20 if bench.quick else 200)]
    target = a_stage("bench-edited")
    anew, saves = [], []
    for version in range(5 if bench.quick else 30):
        saves.append(save(editor, target, version, f"Number {version}"))
        if version % 3 == 0:
            anew.append(search())
    words = f"{Resource.objects.count():,} resources, {len(stages)} stages"
    return [
        row(f"search page, {words}", searches, 50),
        row("… the first after a change", anew, 50),
        row("saving a block of 25 items", saves[1:], 150),
    ]


def row(work: str, samples: list[float], most: float) -> Row:
    """A wait with its budget, which the 95th of a hundred must keep."""
    high = part(samples, 95)
    return Row(
        work=work,
        samples=samples,
        unit="ms",
        budget=f"p95 < {most:.0f} ms",
        met=high < most,
        note=f"p95 {high:.0f} ms",
    )
