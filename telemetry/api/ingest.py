"""``POST /api/v1/pings/``: the better door. Plain Django, since each millisecond here is paid by every ping."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Any

import orjson
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse

from portal.wakeups import wake
from telemetry import conf
from telemetry.accepting import OTHER_BODY, READ_TASK, Refused, accept, prepare
from telemetry.intake import (
    answer,
    body_of,
    kept_address,
    limited,
    limited_installation,
    problem,
    refusal,
    sender_address,
    too_many,
    unavailable,
)
from telemetry.limits import limiter
from telemetry.models import IdempotentAnswer, Ping
from telemetry.statement import Unavailable
from telemetry.verbs.keys import PREFIX, digest_of, key_of

RECEIPTS = "/api/v1/pings/"
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
CHALLENGE = 'Bearer realm="pings"'


def submit(request: HttpRequest) -> HttpResponse:
    """Take one ping (JSON) or many (NDJSON): 202 with a receipt, or a result per line."""
    secret = bearer_of(request)
    if not secret:
        return problem(
            401,
            "no_key",
            "Send the ingest key as: Authorization: Bearer sbi_…",
            WWW_Authenticate=CHALLENGE,
        )
    address = sender_address(request)
    digest = digest_of(secret)
    if (slow_down := limited(address)) is not None:
        return slow_down
    if seconds := limiter.wait_for("k:" + digest.hex(), conf.options.rate_key):
        return too_many(seconds, "key")
    many = request.META.get("CONTENT_TYPE", "").split(";")[0].strip().lower() in NDJSON
    try:
        body = body_of(request, conf.options.max_batch if many else conf.options.max_body)
        name = request.META.get("HTTP_IDEMPOTENCY_KEY", "").strip()
        if name or many:
            return _with_key(request, secret, body, address, name, many)
        return _one(request, body, digest, address)
    except Refused as refused:
        # Who has no key learns nothing about the body.
        if refused.code != "unknown_key" and key_of(secret) is None:
            return _unknown_key()
        return refusal(refused)
    except Unavailable as error:
        return unavailable(error)
    except DatabaseError:
        connection.close()
        return unavailable(Unavailable("The database cannot be reached; nothing was stored."))


def bearer_of(request: HttpRequest) -> str:
    """The key that the request carries, if it is one of ours."""
    words = request.META.get("HTTP_AUTHORIZATION", "").split()
    if len(words) == 2 and words[0].lower() == "bearer" and words[1].startswith(PREFIX):
        return str(words[1])
    return ""


def _unknown_key() -> HttpResponse:
    return problem(401, "unknown_key", "The ingest key is not known, revoked or expired.", WWW_Authenticate=CHALLENGE)


def _receipt_url(request: HttpRequest, ping_id: int) -> str:
    return f"{request.scheme}://{request.get_host()}{RECEIPTS}{ping_id}/"


def _one(request: HttpRequest, body: bytes, digest: bytes, address: str) -> HttpResponse:
    status, content = _store(request, body, digest, address)
    if status != HTTPStatus.ACCEPTED:
        return answer(status, content, Retry_After=str(content["retry_after"]))
    return answer(202, content, Location=content["receipt"])


def _store(
    request: HttpRequest, body: bytes, digest: bytes, address: str, *, hint: bool = True
) -> tuple[int, dict[str, Any]]:
    prepared = prepare(body)
    identity = prepared.identity
    if (slow_down := limited_installation(identity.uuid, identity.hostname)) is not None:
        wait = int(slow_down["Retry-After"])
        return 429, {**orjson.loads(slow_down.content), "retry_after": wait}
    accepted = accept(
        prepared,
        channel=Ping.Channel.API.value,
        address=kept_address(address, conf.options.address),
        key_digest=digest,
        hint=hint,
    )
    told = {"other_body": True, "detail": OTHER_BODY} if accepted.other_body else {}
    return 202, {
        "id": accepted.ping_id,
        "status": "accepted" if accepted.fresh else "duplicate",
        **told,
        "receipt": _receipt_url(request, accepted.ping_id),
    }


def _with_key(request: HttpRequest, secret: str, body: bytes, address: str, name: str, many: bool) -> HttpResponse:
    """A batch, or a request with an Idempotency-Key: here the key's row is needed."""
    key = key_of(secret)
    if key is None:
        return _unknown_key()
    if len(name) > 255 or "\x00" in name:
        return problem(400, "idempotency_key", "Idempotency-Key has at most 255 characters.", key="Idempotency-Key")
    sha256 = hashlib.sha256(body).digest()
    if name:
        known = IdempotentAnswer.objects.filter(key=key, name=name).first()
        if known is not None:
            return _again(known, sha256)
    digest = digest_of(secret)
    if many:
        status, content = _lines(request, body, digest, address)
    else:
        status, content = _store(request, body, digest, address)
        if status != HTTPStatus.ACCEPTED:
            return answer(status, content, Retry_After=str(content["retry_after"]))
    if name:
        # Another request with the same name may have been quicker; the identity made both answers the same.
        IdempotentAnswer.objects.bulk_create(
            [IdempotentAnswer(key=key, name=name, sha256=sha256, status=status, answer=content)], ignore_conflicts=True
        )
    headers = {"Location": content["receipt"]} if "receipt" in content else {}
    return answer(status, content, **headers)


def _again(known: IdempotentAnswer, sha256: bytes) -> HttpResponse:
    if bytes(known.sha256) != sha256:
        return problem(
            422,
            "idempotency_key_reused",
            "This Idempotency-Key was used before with another body.",
            key="Idempotency-Key",
        )
    return answer(known.status, known.answer, Idempotent_Replayed="true")


def _lines(request: HttpRequest, body: bytes, digest: bytes, address: str) -> tuple[int, dict[str, Any]]:
    """Every line for itself: a bad one costs no other. Each line that is answered as accepted is on disk."""
    results: list[dict[str, Any]] = []
    lines = body.split(b"\n")
    if sum(1 for line in lines if line.strip()) > conf.options.max_lines:
        raise Refused("too_large", f"A batch has at most {conf.options.max_lines:,} lines.", status=413)
    fresh = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            if len(line) > conf.options.max_body:
                raise Refused("too_large", f"The line is larger than {conf.options.max_body:,} bytes.", status=413)
            status, content = _store(request, line, digest, address, hint=False)
        except Refused as refused:
            entry: dict[str, Any] = {
                "line": number,
                "status": "refused",
                "code": refused.code,
                "detail": str(refused),
            }
            if refused.key:
                entry["key"] = refused.key
            results.append(entry)
            continue
        if status != HTTPStatus.ACCEPTED:
            results.append(
                {
                    "line": number,
                    "status": "refused",
                    "code": "too_many",
                    "detail": content["detail"],
                    "retry_after": content["retry_after"],
                }
            )
            continue
        fresh = fresh or content["status"] == "accepted"
        results.append({"line": number, **content})
    if fresh:
        wake("ingest", READ_TASK)
    counts = {
        word: sum(result["status"] == word for result in results) for word in ("accepted", "duplicate", "refused")
    }
    if not results:
        raise Refused("not_an_object", "The batch holds no line; one JSON object a line was expected.")
    stored = counts["accepted"] + counts["duplicate"]
    return (202 if stored else 422), {**counts, "results": results}
