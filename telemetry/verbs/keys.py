"""Ingest keys: made and shown once, rotated with an overlap, revoked."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from portal.models import User
from telemetry import conf
from telemetry.models import IngestKey, KeyHolder, Organisation

PREFIX = "sbi_"
SHOWN = 12


def digest_of(secret: str) -> bytes:
    """What is kept of a key. It has 256 random bits, so that no salt and no slow hash are needed."""
    return hashlib.sha256(secret.encode()).digest()


@transaction.atomic
def make_ingest_key(
    *,
    label: str,
    uuid: str = "",
    hostname: str = "",
    organisation: Organisation | None = None,
    by: User | None = None,
    expires_at: datetime | None = None,
) -> tuple[IngestKey, str]:
    """Make a key for one installation or for an organisation; returns it with its text, which is never seen again."""
    if bool(uuid) != bool(hostname) or (not uuid and organisation is None):
        raise ValueError("A key belongs to an installation (uuid and host name) or to an organisation.")
    secret = PREFIX + secrets.token_urlsafe(32)
    key = IngestKey.objects.create(
        label=label,
        prefix=secret[:SHOWN],
        digest=digest_of(secret),
        uuid=uuid,
        hostname=hostname,
        organisation=organisation,
        created_by=by,
        expires_at=expires_at,
    )
    if uuid and organisation is not None:
        hold_installation(organisation=organisation, uuid=uuid, hostname=hostname)
    elif uuid:  # whoever holds it already goes on holding it
        KeyHolder.objects.get_or_create(uuid=uuid, hostname=hostname)
    return key, secret


def hold_installation(*, organisation: Organisation, uuid: str, hostname: str) -> KeyHolder:
    """Count an installation among those of an organisation: its keys are good for it from now on, another's no more."""
    holder, _made = KeyHolder.objects.update_or_create(
        uuid=uuid, hostname=hostname, defaults={"organisation": organisation}
    )
    return holder


@transaction.atomic
def let_go_of_installation(*, holder: KeyHolder) -> None:
    """Take an installation from its organisation; a key of its own, if it has one, goes on working."""
    if IngestKey.objects.filter(uuid=holder.uuid, hostname=holder.hostname).exists():
        KeyHolder.objects.filter(pk=holder.pk).update(organisation=None)
    else:
        KeyHolder.objects.filter(pk=holder.pk).delete()


@transaction.atomic
def rotate_ingest_key(
    *, key: IngestKey, by: User | None = None, overlap: timedelta | None = None
) -> tuple[IngestKey, str]:
    """Make a successor with the same scope; the old key goes on working for ``overlap``, then never again."""
    key = IngestKey.objects.select_for_update().get(pk=key.pk)
    now = timezone.now()
    if not key.in_force(now):
        raise ValueError("A key that is revoked or expired has no successor; make a new one.")
    if key.replaced_by_id is not None:
        raise ValueError("This key has a successor already.")
    fresh, secret = make_ingest_key(
        label=key.label, uuid=key.uuid, hostname=key.hostname, organisation=key.organisation, by=by
    )
    end = now + (conf.options.key_overlap if overlap is None else overlap)
    key.expires_at = min(key.expires_at, end) if key.expires_at else end
    key.replaced_by = fresh
    key.save(update_fields=["expires_at", "replaced_by"])
    return fresh, secret


def revoke_ingest_key(*, key: IngestKey) -> None:
    """Close the door at once."""
    IngestKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


def key_of(secret: str) -> IngestKey | None:
    """The key behind a text, if it opens the door now."""
    if not secret.startswith(PREFIX):
        return None
    key = IngestKey.objects.select_related("organisation").filter(digest=digest_of(secret)).first()
    return key if key is not None and key.in_force(timezone.now()) else None
