"""A block's content as a value: nothing is lost in a merge, and a difference can be read."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from stages.content import BlockContent, Item, differences, from_json, merge, to_json

words = st.sampled_from(["a", "b", "c", ""])
items = st.lists(st.builds(Item, label=words, url=words, description=words), max_size=4).map(tuple)
contents = st.builds(BlockContent, note=words, body=words, items=items)


def numbered(content: BlockContent) -> BlockContent:
    return replace(content, items=tuple(replace(item, id=at + 1) for at, item in enumerate(content.items)))


@given(contents)
def test_content_survives_storage(content: BlockContent) -> None:
    assert from_json(to_json(content)) == content


@given(contents, contents)
def test_there_is_a_difference_exactly_where_the_contents_differ(one: BlockContent, other: BlockContent) -> None:
    assert bool(differences(one, other)) == (one != other)


@given(contents, contents)
def test_where_one_side_changed_nothing_the_merge_is_the_other_side(base: BlockContent, other: BlockContent) -> None:
    base = numbered(base)
    assert merge(base, base, other, keep_missing=False).content.note == other.note
    assert merge(base, other, base, keep_missing=False).content == other
    assert not merge(base, base, other).conflicts


@given(contents, contents, contents)
def test_a_merge_loses_no_word_that_a_side_brought(
    base: BlockContent, ours: BlockContent, theirs: BlockContent
) -> None:
    merged = merge(numbered(base), ours, theirs)
    known = {word for item in base.items for word in (item.label, item.url, item.description)}
    kept = str(merged.content) + str(merged.conflicts)
    for item in (*ours.items, *theirs.items):
        for word in (item.label, item.url, item.description):
            assert word in known or repr(word)[1:-1] in kept


def test_a_moved_item_is_told_as_a_new_order() -> None:
    first, second = Item(label="A", url="/a"), Item(label="B", url="/b")
    told = differences(BlockContent(items=(first, second)), BlockContent(items=(second, first)))
    assert [one.sentence for one in told] == ["Changed the order."]


def test_both_sides_changing_one_link_is_a_conflict_and_ours_stands() -> None:
    base = BlockContent(items=(Item(id=1, label="A", url="/a"),))
    ours = BlockContent(items=(Item(id=1, label="A", url="/ours"),))
    theirs = BlockContent(items=(Item(id=1, label="A", url="/theirs"),))
    merged = merge(base, ours, theirs)
    assert merged.content == ours
    assert [(one.what, one.theirs) for one in merged.conflicts] == [("the link of “A”", "/theirs")]


def test_what_the_other_side_added_stands_where_it_stood_there() -> None:
    a, b, c = (Item(label=label, url=label) for label in "abc")
    merged = merge(BlockContent(items=(a, b)), BlockContent(items=(a, b)), BlockContent(items=(a, c, b)))
    assert [item.label for item in merged.content.items] == ["a", "c", "b"]
