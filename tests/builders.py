"""Makers of the host's things for tests: only what a test names differs from a sensible default."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

from portal.models import ApiToken, RoleGrant, TokenScope, User
from portal.models.tokens import digest_of, new_secret

_numbers = count(1)


def a_user(
    name: str = "", *roles: str, is_staff: bool = False, is_superuser: bool = False, is_active: bool = True
) -> User:
    """A person with roles: ``"editor"`` for everything, ``"editor@stage:create"`` within one scope."""
    username = name or f"person-{next(_numbers)}"
    user = User.objects.create_user(
        username,
        email=f"{username}@example.com",
        display_name=username.replace("-", " ").capitalize(),
        is_staff=is_staff,
        is_superuser=is_superuser,
        is_active=is_active,
    )
    for role in roles:
        word, _, scope = role.partition("@")
        RoleGrant.objects.create(user=user, role=word, scope=scope)
    return user


def a_token(
    user: User, *scopes: TokenScope | str, name: str = "script", expires_at: datetime | None = None
) -> tuple[str, ApiToken]:
    """A token of ``user`` (reading, unless scopes are named): the secret to send and the row."""
    secret = new_secret()
    token = ApiToken.objects.create(
        user=user,
        name=name,
        digest=digest_of(secret),
        hint=secret[:8],
        scopes=[TokenScope(scope).value for scope in scopes] or [TokenScope.READ.value],
        expires_at=expires_at,
        created_by=user,
    )
    return secret, token


def bearer(secret: str) -> dict[str, str]:
    """The header that carries a token: ``client.get(url, headers=bearer(secret))``."""
    return {"Authorization": f"Bearer {secret}"}


def streamed(answer: Any) -> str:
    """The text of an answer that is sent piece by piece."""
    return b"".join(answer.streaming_content).decode()
