"""Who may have an account: nobody signs up alone; single sign-on makes accounts where it is configured to."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Passwords are for accounts that an administrator has made."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: an account is given, not taken."""
        return False


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """People known to the company's sign-on come in as viewers on their first visit."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Whether a first visit makes an account (``OIDC_CREATE_USERS``)."""
        return bool(settings.OIDC_CREATE_USERS)

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> Any:
        """The name as the sign-on gives it becomes the name shown."""
        user = super().populate_user(request, sociallogin, data)
        names = [str(data.get(part) or "").strip() for part in ("first_name", "last_name")]
        user.display_name = str(data.get("name") or " ".join(name for name in names if name))[:200]
        return user


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth has no types
    """Signing in, with labels in the portal's words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in (("login", "User name or e-mail"), ("password", "Password"), ("remember", "Stay signed in")):
            if name in self.fields:
                self.fields[name].label = label
                self.fields[name].widget.attrs.pop("placeholder", None)
