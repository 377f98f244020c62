"""``manage.py import_readings FILE.csv``: readings from elsewhere."""

from __future__ import annotations

from typing import Any

from metrics.imports import Outcome, import_readings
from metrics.management.csv_import import CsvImport


class Command(CsvImport):
    """Readings from elsewhere."""

    help = "Import readings from elsewhere: uuid,hostname,recorded_at,metric,population,value."

    def import_content(self, **asked: Any) -> Outcome:
        """Import them."""
        return import_readings(**asked)
