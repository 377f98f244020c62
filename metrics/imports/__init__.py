"""Facts from files: the list of subscriptions, and readings from elsewhere. Every faulty line is named.

Nothing is imported from a file with a faulty line, unless the good lines are asked for.
"""

from metrics.imports.files import Fault, Outcome, Unreadable
from metrics.imports.readings import import_readings
from metrics.imports.subscriptions import (
    SUBSCRIPTION_COLUMNS,
    change_subscription,
    import_subscriptions,
    remove_subscription,
)

__all__ = [
    "SUBSCRIPTION_COLUMNS",
    "Fault",
    "Outcome",
    "Unreadable",
    "change_subscription",
    "import_readings",
    "import_subscriptions",
    "remove_subscription",
]
