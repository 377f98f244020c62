"""The environment, read through a few typed helpers that fail with the variable's name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})


def text(name: str, default: str) -> str:
    """The variable as it is, or ``default`` where it is not set."""
    return os.environ.get(name, default)


def optional(name: str) -> str | None:
    """The variable, or ``None`` where it is not set or empty."""
    return os.environ.get(name) or None


def flag(name: str, default: bool) -> bool:
    """A yes or no: 1/true/yes/on or 0/false/no/off."""
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in TRUE:
        return True
    if value.strip().lower() in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be one of true, false, yes, no, 1, 0; it is {value!r}.")


def integer(name: str, default: int, *, least: int | None = None) -> int:
    """A whole number, not below ``least``."""
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number; it is {value!r}.") from None
    if least is not None and number < least:
        raise ImproperlyConfigured(f"{name} must be at least {least}; it is {number}.")
    return number


def words(name: str, default: list[str]) -> list[str]:
    """A list separated by commas; blanks around the words do not count. Set but empty means the empty list."""
    value = os.environ.get(name)
    if value is None:
        return default
    return [word.strip() for word in value.split(",") if word.strip()]


def maybe_words(name: str) -> list[str] | None:
    """Like ``words``, but ``None`` where the variable is not set at all."""
    return words(name, []) if name in os.environ else None


def path(name: str, default: Path) -> Path:
    """A folder or file, made absolute."""
    return Path(os.environ.get(name) or default).expanduser().resolve()


def database(name: str) -> dict[str, object] | None:
    """A PostgreSQL URL as Django's settings, or ``None`` where it is not set.

    ``postgresql://user:password@host:port/name?option=value``; a socket folder goes into ``?host=/folder``.
    """
    value = os.environ.get(name)
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"{name} must start with postgresql://; Stageboard runs on PostgreSQL only.")
    options: dict[str, object] = dict(parse_qsl(parts.query))
    try:
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured(f"{name} holds a port that is no number.") from None
    database_name = unquote(parts.path.lstrip("/"))
    if not database_name:
        raise ImproperlyConfigured(f"{name} must name a database after the host, as in postgresql://host/stageboard.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database_name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": str(options.pop("host", "") or unquote(parts.hostname or "")),
        "PORT": str(options.pop("port", "") or port or ""),
        "OPTIONS": options,
    }


@dataclass(frozen=True, kw_only=True)
class SignOn:
    """A provider of single sign-on by OpenID Connect."""

    name: str
    server: str
    client_id: str
    secret: str

    @property
    def origin(self) -> str:
        """Scheme and host of the provider."""
        parts = urlsplit(self.server)
        return f"{parts.scheme}://{parts.netloc}"

    def app(self) -> dict[str, object]:
        """The provider as django-allauth wants to be told."""
        return {
            "provider_id": "sso",
            "name": self.name,
            "client_id": self.client_id,
            "secret": self.secret,
            "settings": {"server_url": self.server},
        }


def sign_on() -> SignOn | None:
    """Single sign-on from OIDC_SERVER_URL, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET and OIDC_NAME; all or none."""
    server = optional("OIDC_SERVER_URL")
    if server is None:
        return None
    if urlsplit(server).scheme not in {"http", "https"}:
        raise ImproperlyConfigured(f"OIDC_SERVER_URL must start with https://; it is {server!r}.")
    missing = [name for name in ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET") if optional(name) is None]
    if missing:
        raise ImproperlyConfigured(f"OIDC_SERVER_URL is set, so {' and '.join(missing)} must be set too.")
    return SignOn(
        name=text("OIDC_NAME", "single sign-on"),
        server=server,
        client_id=os.environ["OIDC_CLIENT_ID"],
        secret=os.environ["OIDC_CLIENT_SECRET"],
    )
