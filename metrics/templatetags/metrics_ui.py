"""Small things that the metrics pages write often."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def delivery(word: object) -> str:
    """SaaS or self-managed."""
    return {"saas": "SaaS", "self_managed": "self-managed"}.get(str(word), str(word))


@register.simple_tag
def choice_of(previews: dict[str, object], conflict: object, key_path: str) -> object | None:
    """What a conflict's figure would be with this metric."""
    return previews.get(f"{getattr(conflict, 'kind', '')}:{getattr(conflict, 'subject_key', '')}:{key_path}")
