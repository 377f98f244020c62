"""Drawing what plugins put on a page, each piece on its own: one that fails never takes the page with it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.text import slugify

from portal.permissions import has_role
from portal.plugin import HomePanel, Plugin
from portal.plugins.registry import registry
from portal.slots import PanelContent, Slot

logger = logging.getLogger("portal.panels")


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A panel as drawn; ``failed`` when all there is to show is that it is unavailable."""

    plugin: str
    name: str
    html: SafeString
    failed: bool = False


def draw_slot(request: HttpRequest, slot: Slot[Any], subject: Any) -> list[Drawn]:
    """Every panel of ``slot`` that this user may see and that has something to say about ``subject``."""
    drawn: list[Drawn] = []
    for plugin, panel in registry.panels_with_plugin(slot):
        if not has_role(request.user, panel.role):
            continue

        def render(panel: Any = panel) -> PanelContent | None:
            content: PanelContent | None = panel.render(request, subject)
            return content

        done = draw(request, plugin, name=panel.name, title=panel.title, render=render, framed=slot.framed)
        if done is not None:
            drawn.append(done)
    return drawn


def draw_home(request: HttpRequest) -> list[Drawn]:
    """The cards that plugins put on the home page."""
    found = sorted(registry.each("home_panels"), key=lambda pair: pair[1].order)
    drawn: list[Drawn] = []
    for plugin, panel in found:

        def render(panel: HomePanel = panel) -> PanelContent | None:
            return panel.render(request)

        done = draw(request, plugin, name=panel.name, title=panel.title, render=render, framed=True)
        if done is not None:
            drawn.append(done)
    return drawn


def draw(
    request: HttpRequest,
    plugin: Plugin,
    *,
    name: str,
    title: str,
    render: Callable[[], PanelContent | None],
    framed: bool,
) -> Drawn | None:
    """One panel with its template, or the card that says it is unavailable."""
    anchor = slugify(f"panel-{plugin.name}-{name}")
    try:
        # Inside a transaction a failed statement would poison every later one of the page, so each panel gets a
        # savepoint there; outside there is nothing to protect and nothing to pay.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            content = render()
            if content is None:
                return None
            body = render_to_string(content.template, {**content.context}, request=request)
    except Exception:
        reference = secrets.token_hex(4)
        logger.exception(
            "panel %r of plugin %r failed (%s)",
            name,
            plugin.name,
            reference,
            extra={"plugin": plugin.name, "panel": name, "reference": reference},
        )
        context = {
            "anchor": anchor,
            "title": title,
            "plugin": plugin,
            "reference": reference,
            "retry": f"{request.get_full_path()}#{anchor}",
        }
        html = render_to_string("portal/panel_unavailable.html", context)
        return Drawn(plugin=plugin.name, name=name, html=html, failed=True)
    if not framed:
        return Drawn(plugin=plugin.name, name=name, html=body)
    frame = {"anchor": anchor, "title": title, "plugin": plugin, "content": content, "body": body}
    return Drawn(plugin=plugin.name, name=name, html=render_to_string("portal/panel.html", frame, request=request))
