"""Names are compared as people write them."""

import pytest

from stages.names import folded, key_of, without_word


@pytest.mark.parametrize(
    "written", ["source_code", "group::source code", "source code", "Source Code", "group:source-code"]
)
def test_all_spellings_of_a_group_are_the_same(written: str) -> None:
    assert folded(written) == "sourcecode"


def test_the_word_stage_is_left_off_unless_it_is_all_there_is() -> None:
    assert [without_word(text) for text in ("Create Stage", "Dev Section", "Stage")] == ["Create", "Dev", "Stage"]


def test_a_key_is_made_of_safe_letters() -> None:
    assert [key_of(text) for text in ("SaaS Platforms", "Anti-Abuse", "§")] == [
        "saas_platforms",
        "anti-abuse",
        "unnamed",
    ]
