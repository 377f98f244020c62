"""The WSGI application that the server runs."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup(set_prefix=False)

from django.urls import get_resolver  # noqa: E402 - these need the settings

from portal.early import EarlyHandler  # noqa: E402
from portal.memory import keep_what_is_loaded  # noqa: E402

application = EarlyHandler()
# The views are loaded now, not while the first reader waits.
get_resolver().url_patterns  # noqa: B018 - reading it loads them
keep_what_is_loaded()
