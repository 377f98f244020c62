"""Making and revoking API tokens."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from portal.models import ApiToken, TokenScope, User
from portal.models.tokens import PREFIX, digest_of, new_secret

LONGEST = timedelta(days=366)
HINT_LENGTH = len(PREFIX) + 4


class TokenRefused(ValueError):
    """Refused, with a sentence that says why."""


def make_token(
    *, user: User, name: str, scopes: Iterable[TokenScope], expires_at: datetime | None, actor: User
) -> tuple[str, ApiToken]:
    """A new token and its secret, which is kept nowhere: who does not copy it now makes another.

    A person's token ends within a year; only a service account may have one without an end.
    """
    wanted = sorted({scope.value for scope in scopes})
    now = timezone.now()
    if not wanted:
        raise TokenRefused("Choose at least one thing that the token may do.")
    if expires_at is None and not user.is_service:
        raise TokenRefused("Say when the token ends; only service accounts have tokens without an end.")
    if expires_at is not None and not now < expires_at <= now + LONGEST:
        raise TokenRefused("The end must lie in the future and within a year.")
    secret = new_secret()
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user,
            name=name,
            digest=digest_of(secret),
            hint=secret[:HINT_LENGTH],
            scopes=wanted,
            expires_at=expires_at,
            created_by=actor,
        )
    return secret, token


def revoke_token(*, token: ApiToken) -> None:
    """End a token now. Revoked twice, the first time stands."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
    token.refresh_from_db(fields=["revoked_at"])
