"""``manage.py import_subscriptions FILE.csv``: the list of subscriptions."""

from __future__ import annotations

from typing import Any

from metrics.imports import Outcome, import_subscriptions
from metrics.management.csv_import import CsvImport


class Command(CsvImport):
    """The list of subscriptions."""

    help = "Import the list of subscriptions: subscription_id,account,plan,seats,starts_on,ends_on,delivery."

    def import_content(self, **asked: Any) -> Outcome:
        """Import them."""
        return import_subscriptions(**asked)
