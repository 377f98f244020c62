"""Addresses are shown so that nobody is led astray."""

import pytest

from stages.links import refusal, target_of, visible

BASE = "https://handbook.example"


@pytest.mark.parametrize(
    ("url", "href"),
    [
        ("https://x.example/a", "https://x.example/a"),
        ("/handbook/a/#b", "https://handbook.example/handbook/a/#b"),
        ("product/categories/ops/", "https://handbook.example/handbook/product/categories/ops/"),
        ("x.example/a", "https://x.example/a"),
        ("//x.example/a", "https://x.example/a"),
        ("mailto:a@x.example", "mailto:a@x.example"),
        ("javascript:alert(1)", ""),
        ("JAVASCRIPT:alert(1)", ""),
        ("java\nscript:alert(1)", ""),
        ("data:text/html,<script>", ""),
        ("vbscript:x", ""),
        ("file:///etc/passwd", ""),
        ("https://x.example/\u202egpj.exe", ""),
        ("/\\evil.example", ""),
        ("http://[::1", ""),
        ("https:///nothing", ""),
        ("", ""),
    ],
)
def test_only_addresses_that_are_safe_can_be_followed(url: str, href: str) -> None:
    assert target_of(url, BASE).href == href


def test_the_host_that_a_link_leads_to_is_told() -> None:
    assert target_of("https://google.com@evil.example/", BASE).host == "evil.example"
    assert target_of("https://g\u043eogle.com/", BASE).host.startswith("xn--")


def test_characters_that_turn_text_round_are_made_visible() -> None:
    assert visible("a\u202egpj.exe\nb") == "a\ufffdgpj.exe\nb"


def test_a_hostile_scheme_is_refused_with_a_sentence() -> None:
    assert "javascript:" in refusal("\u200bjavascript:alert(1)")
    assert refusal("https://x.example") == refusal("/handbook") == refusal("localhost.example:80/a") == ""
