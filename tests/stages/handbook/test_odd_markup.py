"""Mark-up that people's editors and habits produce: it is read as it was meant, and nothing of it is lost."""

from __future__ import annotations

import pytest

from stages.handbook.parsing import ParsedBlock, parse_page
from stages.handbook.rendering import WrittenPage, WrittenStage, render_page

HEAD = "#### Create Stage\n##### Dashboards\n"


def blocks(text: str) -> dict[str, ParsedBlock]:
    (stage,) = parse_page(text).stages
    assert stage.name == "Create"
    return {block.kind: block for block in stage.blocks}


def items(text: str, kind: str = "dashboards") -> list[tuple[str, str, str]]:
    return [(item.label, item.url, item.description) for item in blocks(text)[kind].content.items]


A = [("A", "/a", "")]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff#### Create Stage\r\n##### Dashboards\r\n[A](/a)\r\n",
        "#### Create Stage\r##### Dashboards\r[A](/a)\r",
        "####\u00a0Create\u00a0Stage\n#####\u00a0Top\u00a0dashboards\u00a0\n[A](/a)\n",
        "#### Create Stage:\n##### Top dashboards :\n[A](/a)\n",
        "**Create Stage**\n\n**Top\u00a0dashboards:**\n\n* [A](/a)\n",
        "Create Stage\n============\n\nTop dashboards\n---\n[A](/a)\n",
        '<h4>Create Stage</h4>\n<h5>Top dashboards</h5>\n<a href="/a">A</a>\n',
    ],
)
def test_headings_and_line_ends_of_any_kind_are_read(text: str) -> None:
    assert items(text) == A
    assert blocks(text)["dashboards"].unrecognised == ()


def test_links_by_reference_are_links_wherever_their_addresses_stand() -> None:
    text = HEAD + "* [A][one] why\n* [two]\n* [Three][]\n* [B](/b) [not][known]\n"
    found = items(text + '\n[One]: https://x.example/(1)\n[two]: /2 "T"\n[three]: <a b>\n[unused]: /u\n')
    assert found == [
        ("A", "https://x.example/(1)", "why"), ("two", "/2", "T"), ("Three", "a b", ""), ("B", "/b", "[not][known]"),
    ]  # fmt: skip
    assert blocks(text + "\n[one]: /1\n[unused]: /u\n")["dashboards"].content.body == "[unused]: /u"
    page = parse_page(text + "\n#### Plan Stage\n##### Slack\n**#s_plan**\n\n## Links\n\n[one]: /1\n[other]: /o\n")
    assert page.stages[0].blocks[1].content.items[0].url == "/1"
    assert [(one.heading, one.body) for one in page.texts] == [("Links", "[other]: /o")]


def test_a_query_and_a_footnote_are_no_links_by_reference() -> None:
    text = "#### Create Stage\n##### Important data documentation\n```sql\nSELECT a[one]\n[one]: x\n```\n\n[one]: /1\n"
    queries = blocks(text)["data_docs"].content.items
    assert queries[0].text == "SELECT a[one]\n[one]: x"
    assert items(HEAD + "[B](/b)[^1]\n\n[^1]: A note\n") == [("B", "/b", "[^1]")]


def test_a_bullet_with_one_link_within_its_words_is_that_link() -> None:
    text = HEAD + "* See [A [1]](/a_(b)) first\n* [ ] [Open](/o)\n* ![i](/i.png)\n* [B](/b) and [C](/c) and more\n"
    assert items(text) == [
        ("See A [1] first", "/a_(b)", ""), ("[ ] Open", "/o", ""), ("![i](/i.png)", "", ""), ("B", "/b", ""),
        ("C", "/c", "and more"),
    ]  # fmt: skip


def test_comments_are_kept_and_are_no_content() -> None:
    text = (
        "#### Create Stage\n<!-- To do -->\n_Makes things._\n##### Dashboards\n[A](/a)\n<!--\n[Old](/old)\n"
        "##### Slack\n**#old**\n-->\n<!-- never closed\n"
        "##### Important data documentation\n<!-- [Q](/q) -->\n```\nSELECT 1 <!-- no comment\n```\n"
    )
    found = blocks(text)
    assert (found["description"].content.note, found["description"].content.body) == ("Makes things.", "<!-- To do -->")
    assert items(text) == A
    assert found["dashboards"].content.body.startswith("<!--\n[Old](/old)\n##### Slack\n**#old**\n-->")
    assert "slack" not in found
    assert [one.text for one in found["data_docs"].content.items] == ["SELECT 1 <!-- no comment"]
    assert found["data_docs"].content.body == "<!-- [Q](/q) -->"


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "<!--\n[Old](/old)\n##### Slack\n-->\n[A](/a)\n",
        HEAD + "* See [A [1]](/a_(b)) first\n* [x] [E](/e)\n",
        HEAD + "* [A][one]\n\n| Name | Why |\n|---|---|\n| [T](/t) | Why |\n\n[one]: /1\n[two]: /2\n",
        "#### Create Stage\n<!-- a -->\n_Note_\n\nBody <!-- b -->\n##### Mine\n> quoted\n\n<ul><li>x</li></ul>\n",
        HEAD + "####\u00a0a\n\n\\#\u00a0b\n",
    ],
)
def test_what_was_read_is_exported_and_read_again_alike(text: str) -> None:
    (stage,) = parse_page(text).stages
    contents = [(block.kind, block.content) for block in stage.blocks]
    written = WrittenPage(title="P", stages=[WrittenStage(name="Create", section="", blocks=contents)])
    again = {block.kind: block.content for block in parse_page(render_page(written)).stages[0].blocks}
    for kind, content in contents:
        assert again[kind] == content
