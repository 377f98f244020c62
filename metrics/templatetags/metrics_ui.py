"""Small things that the metrics pages write often."""

from __future__ import annotations

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def breakable(key_path: object) -> SafeString:
    """A key path that may break after its dots and underscores, and nowhere else."""
    text = str(escape(str(key_path)))
    return mark_safe(text.replace(".", ".<wbr>").replace("_", "_<wbr>"))


@register.filter
def delivery(word: object) -> str:
    """SaaS or self-managed."""
    return {"saas": "SaaS", "self_managed": "self-managed"}.get(str(word), str(word))


@register.simple_tag
def choice_of(previews: dict[str, object], conflict: object, key_path: str) -> object | None:
    """What a conflict's figure would be with this metric."""
    return previews.get(f"{getattr(conflict, 'kind', '')}:{getattr(conflict, 'subject_key', '')}:{key_path}")
