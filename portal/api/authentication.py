"""Sign-in to the API by ``Authorization: Bearer <token>``."""

from __future__ import annotations

from datetime import timedelta

import pghistory
from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from portal.models import ApiToken, User
from portal.models.tokens import PREFIX, digest_of

LAST_USED_GRAIN = timedelta(minutes=1)


class TokenAuthentication(BaseAuthentication):
    """Finds the person or service account behind a token. A token of another kind is left to other classes."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != self.keyword.lower().encode():
            return None
        if len(words) != 2:
            raise AuthenticationFailed("Send the token as: Authorization: Bearer <token>.")
        secret = words[1].decode("latin-1")
        if not secret.startswith(PREFIX):
            return None
        token = ApiToken.objects.select_related("user").filter(digest=digest_of(secret)).first()
        now = timezone.now()
        if token is None or not token.user.is_active:
            raise AuthenticationFailed("This token is not known.")
        if not token.in_force(now):
            raise AuthenticationFailed("This token was revoked." if token.revoked_at else "This token has expired.")
        note_use(token)
        # The history of this request was opened before it was known whose token it is.
        pghistory.context(user=token.user_id, token=token.pk)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return f'{self.keyword} realm="api"'


def note_use(token: ApiToken) -> None:
    """Keep when a token was last used, to the minute: a busy script must not write a row per request."""
    now = timezone.now()
    if token.last_used_at is not None and now - token.last_used_at < LAST_USED_GRAIN:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - LAST_USED_GRAIN)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    token.last_used_at = now
