"""What the plugin puts on pages of others."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from portal.plugin import PanelContent
from stages.models import Stage

from rota.queries import on_duty, on_duty_for


def on_stage_page(request: HttpRequest, stage: Stage) -> PanelContent | None:
    """Who looks after this stage; nothing when no one does."""
    duty = on_duty_for(stage.key, timezone.localdate())
    if duty is None:
        return None
    return PanelContent(template="rota/panel.html", context={"duty": duty})


def on_home_page(request: HttpRequest) -> PanelContent | None:
    """How many are on duty."""
    return PanelContent(template="rota/home.html", context={"count": len(on_duty(timezone.localdate()))})
