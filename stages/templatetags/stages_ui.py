"""Tags of the catalog's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from portal.markdown import render_line, render_markdown
from portal.templatetags.portal_ui import badge
from stages.conf import handbook_url
from stages.disputes import in_words
from stages.facts import Entry, kind_of
from stages.links import target_of, visible
from stages.models.structure import Structural
from stages.stage_page import ItemView
from stages.validation import MOST_LAID_OUT

if TYPE_CHECKING:
    from stages.pages.restructure import ChangeForm

register = template.Library()

LEXERS = {"postgresql": "postgresql", "mysql": "mysql", "bigquery": "googlesql"}
"""The dialects that Pygments knows by themselves; the others are coloured as SQL."""

TOO_LONG = "This text is too long to be laid out; it is shown as it was written."


@register.filter(name="handbook_markdown")
def handbook_markdown(text: str | None) -> SafeString:
    """Markdown of the handbook as safe HTML; site-relative links lead to the handbook, unsafe ones nowhere."""
    if len(text or "") > MOST_LAID_OUT:
        return format_html('<p class="muted">{}</p><pre class="code">{}</pre>', TOO_LONG, visible(text or ""))
    base = handbook_url()
    rendered = render_markdown(visible(text or ""), top=4, link=lambda url: target_of(url, base).href)
    return mark_safe(rendered.html)


@register.filter(name="handbook_line")
def handbook_line(text: str | None) -> SafeString:
    """A note or description of one line as safe HTML; its Markdown links are links."""
    base = handbook_url()
    return mark_safe(render_line(visible(text or ""), link=lambda url: target_of(url, base).href))


@register.filter(name="visible")
def visible_filter(text: str | None) -> str:
    """Text with characters that turn or hide their neighbours made visible."""
    return visible(text or "")


@register.inclusion_tag("stages/_item.html", name="resource")
def resource(view: ItemView) -> dict[str, ItemView]:
    """An item of a block."""
    return {"view": view}


@register.filter(name="handbook_link")
def handbook_link(url: str | None) -> str:
    """A stored address as one that can be followed; empty when it must not be."""
    return target_of(url or "", handbook_url()).href


@register.filter(name="lexer")
def lexer(dialect: str | None) -> str:
    """The name of the Pygments lexer for a dialect."""
    return LEXERS.get(dialect or "", "sql")


@register.filter(name="told")
def told(value: Any) -> str:
    """A value of the structure as people read it: a list with commas, yes and no, keys with their values."""
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(told(one) for one in value)
    if isinstance(value, dict):
        return "\n".join(f"{key}: {told(one)}" for key, one in value.items())
    return "" if value is None else visible(str(value))


@register.filter(name="in_words")
def field_in_words(field: str) -> str:
    """The name of a structure field, or of what a person does, in words."""
    return in_words(field)


RESOURCE_WORDS = {
    "label": "Name",
    "url": "Link",
    "owner_name": "Kept by",
    "access": "Who can open it",
    "source_updated_on": "It was last updated on",
    "review_every_days": "A review holds for how many days",
    "reviewed_on": "Last reviewed",
    "text": "Query or prose",
    "dialect": "Written in",
    "doc_label": "It computes",
}


@register.filter(name="of_resource")
def of_resource(field: str) -> str:
    """A field of a resource as its form calls it."""
    return RESOURCE_WORDS.get(field, field.replace("_", " ").capitalize())


@register.simple_tag(name="origin")
def origin(entry: Structural, *fields: str) -> SafeString:
    """Badges that say where the values of these fields come from: the structure files, or an edit here."""
    found = {entry.origin(field) for field in fields}
    told = (
        badge("derived", "estimated", "From the structure files") if "imported" in found else "",
        badge("edited", "info", "Changed in the portal") if "edited" in found else "",
    )
    return format_html_join(" ", "{}", ((one,) for one in told if one))


@register.simple_tag(name="entry_url")
def entry_url(entry: Entry, page: str) -> str:
    """The address of a page about a section, stage, group or category: its facts, their history, its structure."""
    return reverse(f"stages:{kind_of(entry)}-{page}", args=[entry.key])


@register.simple_tag(name="wrong")
def wrong(form: ChangeForm, field: str, described_by: str = "", *, group: bool = False) -> SafeString:
    """Attributes of a field, or of a ``group`` of boxes: which texts tell of it; the focus where it is wrong."""
    at_fault = form.field == field
    texts = [*([f"{form.prefix}-{field}-error"] if at_fault else []), *([described_by] if described_by else [])]
    parts = [format_html(' aria-describedby="{}"', " ".join(texts))] if texts else []
    if at_fault:
        # A group of boxes is no field that could be invalid, and takes the focus only when told so.
        parts.append(mark_safe(f" autofocus {'tabindex=-1' if group else 'aria-invalid=true'}"))
    return mark_safe("".join(parts))


@register.simple_tag(name="why")
def why(form: ChangeForm, field: str = "") -> SafeString:
    """What is wrong at a field; without one what is wrong with all of the form."""
    if not form.error or form.field != field:
        return SafeString()
    if not field:
        return format_html(
            '<div class="notice notice-danger" role="alert" tabindex="-1" autofocus><p>{}</p></div>', form.error
        )
    return format_html('<p class="error" id="{}-{}-error" role="alert">{}</p>', form.prefix, field, form.error)
