"""A handbook page in whatever mark-up people use: never an exception, never a lost text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.content import BlockContent, Item
from stages.handbook.parsing import Page, parse_page
from stages.handbook.rendering import WrittenPage, WrittenStage, render_page
from stages.handbook.template import is_placeholder_sql, is_prompt, kind_of_heading


def blocks(page: Page, stage: int = 0) -> dict[str, BlockContent]:
    return {block.kind: block.content for block in page.stages[stage].blocks}


def one(
    text: str, kind: str = "dashboards", heading: str = "##### Top dashboards referenced by this team"
) -> BlockContent:
    page = parse_page(f"### Dev Section\n\n#### Create Stage\n\n{heading}\n{text}")
    return blocks(page)[kind]


def test_the_real_page_has_the_stages_and_items_of_the_domain_page(shared_data: Path) -> None:
    page = parse_page((shared_data / "handbook" / "crash_course.md").read_text())
    assert page.sections == ("Dev", "Ops", "Sec")
    names = "Manage Plan Create Verify Package Release Configure Monitor Secure Protect"
    assert [stage.name for stage in page.stages] == names.split()
    assert [stage.section for stage in page.stages] == ["Dev"] * 3 + ["Ops"] * 5 + ["Sec"] * 2
    assert [stage.placeholders for stage in page.stages] == [10, 13, 1, 13, 1, 13, 13, 13, 13, 13]
    assert not [line for stage in page.stages for line in stage.unrecognised]
    create, package = blocks(page, 2), blocks(page, 4)
    counts = {kind: len(content.items) for kind, content in create.items()}
    assert counts == {
        "description": 0, "dashboards": 5, "data_docs": 0, "research": 2, "roadmap": 1, "indicators": 1,
        "key_pages": 1, "slack": 2, "team": 1,
    }  # fmt: skip
    assert create["research"].note == "Must be logged into GitLab Unfiltered account"
    assert create["research"].heading == "Helpful video resources"
    assert create["description"].body.startswith(
        "[Start on the GitLab website page](https://about.gitlab.com/features/"
    )
    assert [len(package[kind].items) for kind in ("dashboards", "research", "okrs", "key_pages")] == [4, 2, 1, 2]
    assert package["data_docs"].placeholders == ("",)
    assert blocks(page)["data_docs"].placeholders == ("SMAU", "GMAU", "Other")
    assert len(page.starting_points) == 5
    assert [start.label for start in page.starting_points][3] == ""


LINKS = [
    ("[A](/a)\n_Why_\n", Item(label="A", url="/a", description="Why")),
    ("* [A](/a)\n\n_Why_\n", Item(label="A", url="/a", description="Why")),
    ("[A](/a)\n\n_Why_\n", Item(label="A", url="/a", description="Why")),
    ("- [A](/a) - Why\n", Item(label="A", url="/a", description="Why")),
    ("1. [A](/a): Why\n", Item(label="A", url="/a", description="Why")),
    ("[A](/a)\nWhy\n", Item(label="A", url="/a", description="Why")),
    ("**[A](/a)** – Why\n", Item(label="A", url="/a", description="Why")),
    ("[A](/a)\n_Why this\nand that_\n", Item(label="A", url="/a", description="Why this and that")),
    ("[A](/x_(y))\n", Item(label="A", url="/x_(y)")),
    ("[A [b]](/a)\n", Item(label="A [b]", url="/a")),
    ("[A](</a b>)\n", Item(label="A", url="/a b")),
    ('[A](/a "Why")\n', Item(label="A", url="/a", description="Why")),
    ("<https://x.example/a>\n", Item(url="https://x.example/a")),
    ("https://x.example/a?b=1#c\n", Item(url="https://x.example/a?b=1#c")),
    ('<a href="/a">A</a>\n', Item(label="A", url="/a")),
    ("[A](/Manage:-C---D?stage=create#okrs)", Item(label="A", url="/Manage:-C---D?stage=create#okrs")),
    ('* [A](/a "Why")\n  and how\n', Item(label="A", url="/a", description="Why and how")),
    ("[A](/a)\r\n_Why_\r\n", Item(label="A", url="/a", description="Why")),
    ("* A board without a link\n", Item(label="A board without a link")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "item"), LINKS)
def test_a_link_is_read_however_it_is_written(text: str, item: Item) -> None:
    assert one(text).items == (item,)


def test_several_links_on_a_line_are_several_items() -> None:
    assert [item.label for item in one("[A](/a), [B](/b) and [C](/c)\n").items] == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("##### Team heirarchy", "team"),
        ("##### Team hierarchy", "team"),
        ("### SLACK CHANNELS", "slack"),
        ("**Key documentation:**", "key_pages"),
        ("<h5>OKRs</h5>", "okrs"),
        ("###### Performance indicators {#pis}", "indicators"),
        ("##### Helpful user reserach and demos", "research"),
        ("##### OKR’s", "okrs"),
        ("##### Research & demos", "research"),
    ],
)
def test_a_heading_is_known_in_any_level_case_and_near_spelling(heading: str, kind: str) -> None:
    stage = "## Create Stage" if heading.startswith("###") else "#### Create Stage"
    page = parse_page(f"{stage}\n\n{heading}\n\n[A](/a)\n")
    assert kind in blocks(page)


def test_stages_need_neither_the_word_nor_a_level() -> None:
    page = parse_page("# Dev\n## Create\n### Dashboards\n[A](/a)\n## Plan\n### Slack\n**#s_plan**\n")
    assert [(stage.section, stage.name) for stage in page.stages] == [("Dev", "Create"), ("Dev", "Plan")]
    bold = parse_page("**Dev Section**\n\n**Create Stage**\n\n**Dashboards**\n\n* [A](/a)\n")
    assert [stage.name for stage in bold.stages] == ["Create"]
    assert len(blocks(bold)["dashboards"].items) == 1


def test_an_unknown_heading_is_kept_with_its_text_and_named() -> None:
    page = parse_page("#### Create Stage\n##### Rituals\nWe meet on *Mondays*.\n\n* bring cake\n##### OKRs\n")
    assert blocks(page)["other"] == BlockContent(heading="Rituals", body="We meet on *Mondays*.\n\n* bring cake")
    assert [line.text for line in page.stages[0].unrecognised] == ["Rituals"]


def test_a_query_is_kept_byte_for_byte_with_its_label() -> None:
    text = "``` sql\n\nSELECT *  \n  FROM events\n;\n# not a heading\n```\n_SMAU_\n"
    item = one(text, "data_docs", "##### Important data documentation").items[0]
    assert item.text == "\nSELECT *  \n  FROM events\n;\n# not a heading"
    assert (item.dialect, item.doc_label) == ("sql", "smau")


def test_prose_stands_where_a_query_was_asked_for() -> None:
    text = "Use `common.fct_ping`:\n* one row per ping\n* [not an item](/x) in a list of prose\n"
    found = one("Use `common.fct_ping`.\n\n* one row per ping\n_GMAU_\n", "data_docs", "##### SQL").items
    assert found == (Item(text="Use `common.fct_ping`.\n\n* one row per ping", dialect="prose", doc_label="gmau"),)
    assert one(text, "data_docs", "##### SQL").items


def test_channels_stand_in_bold_in_code_in_links_and_several_on_a_line() -> None:
    text = "**#s_create** \n_For all_\n\n`#g_editor`, **#s_create_pm**\n* [#with-link](https://x.example/c)\n"
    found = one(text, "slack", "##### Slack")
    assert [(item.label, item.url, item.description) for item in found.items] == [
        ("#s_create", "", "For all"),
        ("#g_editor", "", ""),
        ("#s_create_pm", "", ""),
        ("#with-link", "https://x.example/c", ""),
    ]


def test_a_real_target_makes_a_real_item_whatever_its_label() -> None:
    found = one("[Link to a dashboard](/real)\n_Description_\n\n[Link to a dashboard]()\n_Description_\n")
    assert found.items == (Item(label="Link to a dashboard", url="/real"),)
    assert found.placeholders == ("Link to a dashboard",)


def test_a_fence_that_nobody_closed_swallows_no_stage() -> None:
    page = parse_page("#### A Stage\n##### SQL\n``` sql\nSELECT 1\n#### B Stage\n##### SQL\n```\nSELECT 2\n```\n")
    assert [stage.name for stage in page.stages] == ["A", "B"]
    assert "SELECT 1" in blocks(page)["data_docs"].items[0].text


def test_stray_text_in_a_block_is_kept_and_named() -> None:
    content = one("[A](/a)\n\nAsk Bea before you use it.\n")
    assert content.body == "Ask Bea before you use it."


LINES = st.sampled_from(
    """### Dev Section|#### Create Stage|#### Plan Stage|##### Dashboards|##### Important data documentation|##### Slack
**Slack channels**|##### Rituals|###### Deeper|**Bold alone**|[word](/link)|* [word](/a b)|[word]()|_italic word_
_open italic|plain words here|``` sql|```|SELECT word FROM it|**#channel** word|#hash|* bullet|1. number|<b>html</b>
\\#### escaped|---|===|<details markdown="1"><summary>Click to expand</summary>|</details>|{:.no_toc}||
| indented| * nested|[a](x(y|[[a](b)|<a href="x">y</a>|https://x.example/(a)|[a](b), [c](d)|~~~|**a**b**|_Description_
Helpful places to start|## Helpful places to start|#  |# |\t|# Stage|## Team|_SMAU_|_No label_|`#x`|title: x
<summary>Create Stage</summary>|<h4>Plan Stage</h4>|Create Stage|=====""".replace("\n", "|").split("|")
)  # fmt: skip
pages = st.lists(st.one_of(LINES, st.text(max_size=12)), max_size=30).map("\n".join)


def everything(page: Page) -> str:
    told = [page.title, page.front, *page.sections, *(s.text for s in page.starting_points)]
    told += [part for text in page.texts for part in (text.heading, text.body)]
    for stage in page.stages:
        told += [stage.name, "stage"]
        for block in stage.blocks:
            content = block.content
            told += [block.kind, content.heading, content.note, content.body, content.not_applicable]
            told += content.placeholders
            for item in content.items:
                told += [item.label, item.url, item.description, item.text, item.dialect, item.doc_label]
    return "\n".join(told)


TEMPLATE = """description stage section dashboards important data documentation slack channels helpful places start
team smau gmau other no label sql on this page click expand details summary markdown no_toc toc a href b h4 h5 layout
title not applicable short of channel https http to"""
TEMPLATE_WORDS = set(re.findall(r"\w+", TEMPLATE))


@settings(max_examples=300)
@given(pages)
@example("---\ntitle: x\n---\n")
@example("_a\n\n_b_")
@example("#### Create Stage\n##### Slack\n**#slack-channel** and more\n")
def test_no_text_raises_and_no_word_is_lost(text: str) -> None:
    kept = everything(parse_page(text)).casefold()
    for word in re.findall(r"[a-zA-Z]{2,}", text):
        assert word.casefold() in kept or word.casefold() in TEMPLATE_WORDS, word


plain = st.text(alphabet="abc[]()<>_*#`\\~-+=. 1:!|/&", max_size=14).map(lambda text: " ".join(text.split()))
labels = plain.filter(bool)
prose = st.lists(st.one_of(LINES, plain), max_size=5).map("\n".join).map(lambda text: text.strip("\n \t"))
queries = (
    st.lists(plain, min_size=1, max_size=4)
    .map("\n".join)
    .filter(lambda text: text.strip() and not is_placeholder_sql(text))
)
links = st.builds(Item, label=plain, url=labels, description=plain.filter(lambda text: not is_prompt(text)))
docs = st.builds(Item, text=queries, dialect=st.just("sql"), doc_label=st.sampled_from(["", "smau", "other"]))


@settings(max_examples=300)
@given(note=plain, body=prose, found=st.lists(links, max_size=3), sql=st.lists(docs, max_size=2), other=prose)
def test_a_rendered_page_reads_back_to_the_same_content(
    note: str, body: str, found: list[Item], sql: list[Item], other: str
) -> None:
    written = [
        ("description", BlockContent(note=note if not note.casefold().startswith("short desc") else "", body=body)),
        ("dashboards", BlockContent(items=tuple(found))),
        ("data_docs", BlockContent(items=tuple(sql))),
        ("other", BlockContent(heading="Rituals", body=other)),
    ]
    stage = WrittenStage(name="Create", section="Dev", blocks=written)
    text = render_page(WrittenPage(title="T", stages=[stage]))
    read = blocks(parse_page(text))
    for kind, content in written:
        assert read.get(kind, BlockContent(heading=content.heading)) == content, text


def test_headings_of_another_meaning_are_not_guessed() -> None:
    assert [kind_of_heading(text) for text in ("Rituals", "Dashing boards", "Slick", "Data science")] == [None] * 4
