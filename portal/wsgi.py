"""The WSGI application that the server runs."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup(set_prefix=False)

from portal.early import EarlyHandler  # noqa: E402 - it needs the settings

application = EarlyHandler()
