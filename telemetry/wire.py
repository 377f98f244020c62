"""The endpoints at the root that real senders know, byte-compatible with what they expect."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt

from portal.history.context import without_history_context
from portal.permissions import requires
from portal.roles import Role
from telemetry import conf
from telemetry.accepting import Refused, accept, prepare
from telemetry.intake import (
    anonymous_off,
    answer,
    body_of,
    kept_address,
    limited,
    limited_installation,
    refusal,
    sender_address,
    unavailable,
)
from telemetry.models import Ping
from telemetry.statement import Unavailable


@requires(Role.ANONYMOUS)
@csrf_exempt
@without_history_context
def usage_data(request: HttpRequest) -> HttpResponse:
    """Take a service ping from an unchanged sender: 201 and the id that both sides keep."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not conf.options.anonymous:
        return anonymous_off("pings")
    address = sender_address(request)
    if (slow_down := limited(address)) is not None:
        return slow_down
    try:
        prepared = prepare(body_of(request, conf.options.max_body))
        if (slow_down := limited_installation(prepared.identity.uuid, prepared.identity.hostname)) is not None:
            return slow_down
        accepted = accept(
            prepared, channel=Ping.Channel.HTTP.value, address=kept_address(address, conf.options.address)
        )
    except Refused as refused:
        return refusal(refused)
    except Unavailable as error:
        return unavailable(error)
    return answer(201, {"conv_index": {"usage_data_id": accepted.ping_id}})
