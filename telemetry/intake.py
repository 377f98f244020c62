"""The body of an HTTP request, bounded, and the answers that senders get: plain Django, cheap."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from telemetry import conf
from telemetry.accepting import Refused
from telemetry.limits import limiter
from telemetry.numbers import REFUSED
from telemetry.reading.inflate import TooLarge, Unreadable, inflate
from telemetry.statement import Unavailable

PROBLEM = "application/problem+json"
RETRY_AFTER = 30


def answer(status: int, content: dict[str, Any], **headers: str) -> HttpResponse:
    """A JSON answer."""
    response = HttpResponse(orjson.dumps(content), content_type="application/json", status=status)
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response


def problem(status: int, code: str, sentence: str, *, key: str = "", **headers: str) -> HttpResponse:
    """An error as RFC 9457 wants it, naming the key at fault."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": _TITLES.get(status, "Not accepted"),
        "status": status,
        "code": code,
        "detail": sentence,
    }
    if key:
        content["errors"] = [{"field": key, "detail": sentence}]
    response = HttpResponse(orjson.dumps(content), content_type=PROBLEM, status=status)
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response


def anonymous_off(what: str) -> HttpResponse:
    """401 where only senders with a key are heard, and how to become one."""
    return problem(
        401,
        "anonymous_off",
        f"Anonymous {what} are not taken here. Send pings to /api/v1/pings/ with an ingest key; the portal's "
        "administrators make one.",
        WWW_Authenticate='Bearer realm="pings"',
    )


_TITLES = {
    400: "Not a service ping",
    401: "Key needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Not readable",
    422: "Nothing was accepted",
    429: "Too many requests",
    503: "Try again later",
}


def refusal(refused: Refused) -> HttpResponse:
    """The answer to a body that is not stored."""
    REFUSED.labels(refused.code).inc()
    headers = {"WWW_Authenticate": 'Bearer realm="pings"'} if refused.status == 401 else {}
    return problem(refused.status, refused.code, str(refused), key=refused.key, **headers)


def unavailable(error: Unavailable) -> HttpResponse:
    """503: nothing is stored, come again. Never a 2xx that could be lost."""
    return problem(503, "unavailable", str(error), Retry_After=str(RETRY_AFTER))


def too_many(seconds: int, whom: str) -> HttpResponse:
    """429 with the time to wait."""
    return problem(
        429, "too_many", f"Too many requests of this {whom}; wait {seconds} seconds.", Retry_After=str(seconds)
    )


def body_of(request: HttpRequest, limit: int) -> bytes:
    """The inflated body, read no further than ``limit``. Raises ``Refused``."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length > limit:
        raise Refused("too_large", f"The body is larger than {limit:,} bytes.", status=413)
    if length <= 0 and "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        # Django trusts Content-Length and would see an empty body; the server has taken the chunks apart already.
        body = request.META["wsgi.input"].read(limit + 1)
    else:
        body = request.read(limit + 1)
    if len(body) > limit:
        raise Refused("too_large", f"The body is larger than {limit:,} bytes.", status=413)
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "")
    try:
        if encoding:
            return inflate(body, encoding, limit)
        # Some administrators send the file as it lies there; JSON never begins like this.
        return inflate(body, "gzip", limit) if body[:2] == b"\x1f\x8b" else body
    except TooLarge as error:
        raise Refused("too_large", str(error), status=413) from None
    except Unreadable as error:
        raise Refused("unreadable", str(error), status=415) from None


def sender_address(request: HttpRequest) -> str:
    """The full address, for limits; it is kept nowhere."""
    if conf.options.forwarded:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
        if forwarded:
            # The last hop is the one that our own proxy added; those before it can be invented.
            return str(forwarded.rsplit(",", 1)[-1].strip())
    return str(request.META.get("REMOTE_ADDR", ""))


@lru_cache(maxsize=4096)
def kept_address(address: str, how: str) -> str:
    """What is kept of an address: nothing, its network (/24, /48), or all of it."""
    if how == "none":
        return ""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if how == "full":
        return str(parsed)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network(f"{parsed}/{24 if parsed.version == 4 else 48}", strict=False))


def limited(address: str) -> HttpResponse | None:
    """429 where the address has used up its allowance of pings and reports."""
    seconds = limiter.wait_for("a:" + address, conf.options.rate_address)
    return too_many(seconds, "address") if seconds else None


def limited_check(address: str) -> HttpResponse | None:
    """429 where the address has used up its allowance of version checks, which is another one: each page of an
    instance may ask, and none of that may cost a ping.
    """
    seconds = limiter.wait_for("v:" + address, conf.options.rate_version_check)
    return too_many(seconds, "address") if seconds else None


def limited_installation(uuid: str, hostname: str) -> HttpResponse | None:
    """429 where the installation has used up its allowance."""
    seconds = limiter.wait_for(f"i:{uuid}\n{hostname}", conf.options.rate_installation)
    return too_many(seconds, "installation") if seconds else None
