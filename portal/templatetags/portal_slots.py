"""``{% slot STAGE_FIGURES stage %}``: what plugins put in a place of a page."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from portal.panels import draw_slot
from portal.slots import Slot

register = template.Library()


@register.simple_tag(takes_context=True)
def slot(context: Context, place: Slot[Any], subject: Any) -> SafeString:
    """Draw the panels of a slot, an object from the view's context. ``as drawn`` keeps them, to ask whether any are."""
    if not isinstance(place, Slot):
        raise template.TemplateSyntaxError(
            f"{{% slot %}} needs a Slot object in the context, not {place!r}: pass it from the view."
        )
    return format_html_join("\n", "{}", ((drawn.html,) for drawn in draw_slot(context["request"], place, subject)))
