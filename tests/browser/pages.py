"""Which pages there are: those that the URL resolver knows without arguments, and samples that each app registers.

An app registers pages with arguments in ``tests/<app>/samples.py``: ``SAMPLES``, functions that make what the page is
about and return its address.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

Sample = Callable[[], str]

# Answers that are no pages: fragments, files, documents for programs, what only takes a form.
NO_PAGES = (
    "/accounts/3rdparty/login/",
    "/accounts/logout/",
    "/accounts/reauthenticate/",
    "/admin/logout/",
    "/admin/jsi18n/",
    "/admin/autocomplete/",
    "/admin/login/",
    "/admin/password_change/",
    "/api/schema/",
    "/api/v1/",
    "/attention/count/",
    "/favicon.ico",
    "/health/",
    "/notifications/mail/",
    "/notifications/read/",
    "/search/suggest/",
    "/theme/",
)
OF_STRANGERS = ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/inactive/")


def plain_addresses() -> list[str]:
    """The address of every page that needs no argument."""
    found: set[str] = set()
    for name in names(get_resolver()):
        try:
            found.add(reverse(name))
        except NoReverseMatch:
            continue
    return sorted(address for address in found if address != "/api/" and is_page(address))


def names(resolver: URLResolver, namespace: str = "") -> Iterator[str]:
    """The names of all patterns, with their namespaces."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = ":".join(part for part in (namespace, pattern.namespace) if part)
            yield from names(pattern, inner)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield ":".join(part for part in (namespace, pattern.name) if part)


def is_page(address: str) -> bool:
    """Whether a browser is meant to show it to a person."""
    return not any(address == other or (other != "/" and address.startswith(other)) for other in NO_PAGES) and not (
        Path(address).suffix or address.endswith("prometheus")
    )


def samples() -> list[tuple[str, Sample]]:
    """All registered samples, by the app that brings them."""
    found = []
    for folder in sorted(Path(__file__).resolve().parent.parent.iterdir()):
        if (folder / "samples.py").is_file():
            module = importlib.import_module(f"tests.{folder.name}.samples")
            found += [(f"{folder.name}.{sample.__name__}", sample) for sample in module.SAMPLES]
    return found
