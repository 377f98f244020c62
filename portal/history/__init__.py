"""Who changed what, when and why: written by triggers (django-pghistory), told apart here."""

from portal.history.context import HistoryMiddleware, because, without_history_context
from portal.history.queries import Action, Change, Entry, history_of, history_of_all, history_of_key, last_change

__all__ = [
    "Action",
    "Change",
    "Entry",
    "HistoryMiddleware",
    "because",
    "history_of",
    "history_of_all",
    "history_of_key",
    "last_change",
    "without_history_context",
]
