from __future__ import annotations

import pytest

from portal.highlight import highlight
from portal.markdown import plain, render_line, render_markdown


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        '<img src=x onerror="alert(1)">',
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        '[x](http://a "onmouseover=alert(1)")<b style="x">',
    ],
)
def test_nothing_that_runs_survives(text: str) -> None:
    html = render_markdown(text).html
    assert "<script" not in html
    assert "<img" not in html
    assert "<b " not in html
    assert 'href="javascript' not in html
    assert 'href="data' not in html


def test_tables_scroll_in_their_own_box_and_align_numbers_by_class() -> None:
    html = render_markdown("| a | b |\n|---|--:|\n| 1 | 2 |\n").html
    assert '<div class="table-wrap"><table class="table">' in html
    assert '<td class="num">2</td>' in html
    assert "style" not in html


def test_headings_get_anchors_that_are_unique() -> None:
    rendered = render_markdown("# Top\n\n## Set up\n\n## Set up\n", anchors=True)
    assert [heading.anchor for heading in rendered.headings] == ["top", "set-up", "set-up-2"]
    assert 'id="set-up-2"' in rendered.html


def test_headings_can_start_lower_to_fit_into_a_page() -> None:
    assert "<h3>Top</h3>" in render_markdown("# Top", top=3).html


def test_a_link_that_leads_nowhere_keeps_its_words() -> None:
    html = render_markdown(
        "[the code](../x.py) and [page](b.md)", link=lambda to: "/docs/b/" if to == "b.md" else ""
    ).html
    assert 'href="/docs/b/"' in html
    assert "the code" in html
    assert "x.py" not in html


def test_code_is_coloured_by_class_and_can_be_copied() -> None:
    html = render_markdown("```sql\nSELECT 1 -- one\n```").html
    assert "data-copy" in html
    assert '<span class="hl-k">SELECT</span>' in html
    assert '<span class="hl-c">-- one' in html


def test_code_of_an_unknown_language_is_shown_plain_and_escaped() -> None:
    assert highlight("a < b", "no-such-language") == "<code>a &lt; b</code>"


def test_plain_text_has_no_marks() -> None:
    assert plain("# One\n\nTwo **three** `four`\n\n- five") == "One Two three four five"
    assert plain("[Docs](https://a.example/), in **bo**ld\nand ![a chart](/c.png)") == "Docs, in bold and a chart"
    assert plain("| a | b |\n|---|---|\n| c | d |\n\n    code <b>") == "a b c d code <b>"


def test_an_address_that_stands_bare_is_a_link_and_what_follows_it_is_not() -> None:
    html = render_markdown("See https://x.example/a_(b), [y](https://y.example) and `https://z.example`.").html
    assert '<a href="https://x.example/a_(b)" rel="noopener noreferrer">https://x.example/a_(b)</a>, ' in html
    assert html.count("<a ") == 2


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("(https://x.example/a).", "https://x.example/a"),
        ("_https://x.example/a_b_", "https://x.example/a_b"),
        ("**https://x.example/a**", "https://x.example/a"),
        ("HTTPS://X.example/a!", "HTTPS://X.example/a"),
        ("https://x.example/Manage:-Board---x?a=b&c=d#e", "https://x.example/Manage:-Board---x?a=b&amp;c=d#e"),
        ("http://localhost:8000/a", "http://localhost:8000/a"),
        ('<b>https://x.example"onclick=alert(1)</b>', "https://x.example"),
        ("https://x.example/<script>", "https://x.example/"),
    ],
)
def test_of_what_surrounds_a_bare_address_nothing_gets_into_it(text: str, address: str) -> None:
    html = render_markdown(text).html
    assert f'<a href="{address}" rel="noopener noreferrer">{address}</a>' in html.replace(
        'href="https://X', 'href="HTTPS://X'
    )
    assert html.count("<a ") == 1
    assert "<script" not in html


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)", "data:text/html,<b>x</b>", "vbscript:x", "file:///etc/passwd", "ftp://x.example/a",
        "//x.example/a", "x.example/a", "a@x.example", "mailto:a@x.example", "javascript://x.example/%0aalert(1)",
        "https://x.example/\u202egpj.exe", "https://x.exa\u200bmple/a", "https://\u2066x.example/", "https://x.example/\u00ada",
        "https://google.com@evil.example/", "https://google.com%2f@evil.example/a", "https://", "http://[", "xhttps:/x",
    ],
)  # fmt: skip
def test_what_is_no_web_address_or_looks_like_another_stays_text(text: str) -> None:
    html = render_markdown(f"See {text} now").html
    assert "<a " not in html
    assert html.startswith("<p>See ")
    assert html.endswith(" now</p>\n")


def test_a_bare_address_is_shown_as_it_was_typed() -> None:
    html = render_markdown("https://xn--ggle-55da.example/%D0%BE").html
    assert ">https://xn--ggle-55da.example/%D0%BE</a>" in html


def test_a_bare_address_follows_the_rule_for_links_and_stays_out_of_links() -> None:
    seen: list[str] = []

    def rule(url: str) -> str:
        seen.append(url)
        return ""

    html = render_markdown("https://x.example/a [see https://y.example](https://z.example)", link=rule).html
    assert seen == ["https://x.example/a", "https://z.example"]
    assert "href" not in html
    assert "see https://y.example" in html


def test_a_line_is_rendered_without_a_paragraph_and_its_links_follow_the_rule() -> None:
    html = render_line("**See** [the page](/x)\n<b>now</b> [not](javascript:x)", link=lambda url: f"https://h{url}")
    assert html.startswith('<strong>See</strong> <a href="https://h/x"')
    assert "&lt;b&gt;" in html
    assert "<p>" not in html
    assert 'href="javascript' not in html
