"""What is kept beside each change: the person, the request and the reason."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import pghistory
from django.db import connection
from django.http import HttpRequest, HttpResponseBase
from pghistory import runtime

from portal.models import User
from portal.request_id import current_request_id

WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})

View = TypeVar("View", bound=Callable[..., Any])


class HistoryMiddleware:
    """Attaches person, address and request id to the changes that a request makes.

    Entered in ``process_view``, when the view is known: a view marked ``without_history_context`` (a sender's endpoint,
    taken thousands of times a second) changes nothing that has a history and pays nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with ExitStack() as stack:
            request._history = stack  # type: ignore[attr-defined]  # kept from here to ``process_view``
            return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        """Open the context; it ends with the request."""
        if request.method not in WRITING or getattr(view, "without_history_context", False):
            return
        user = request.user.pk if request.user.is_authenticated else None
        stack: ExitStack = request._history  # type: ignore[attr-defined]  # set above
        stack.enter_context(pghistory.context(user=user, url=request.path, request_id=current_request_id()))


def without_history_context(view: View) -> View:
    """Mark a view that writes nothing with a history, so that its statements go out as they are."""
    view.without_history_context = True  # type: ignore[attr-defined]  # a mark on a function
    return view


@contextmanager
def because(reason: str, *, actor: User | None = None, **more: str | int) -> Iterator[None]:
    """Give the changes made inside a reason, and a person where there is no request to tell who it was.

    Two reasons within one request stay apart: each has a context of its own, with what the request already said.
    """
    metadata: dict[str, Any] = {"why": reason, **more}
    if actor is not None:
        metadata["user"] = actor.pk
    outer = getattr(runtime._tracker, "value", None)
    if outer is not None:
        runtime._tracker.value = runtime.Context(id=uuid.uuid4(), metadata={**outer.metadata, **metadata})
        try:
            yield
        finally:
            runtime._tracker.value = outer
        return
    with pghistory.context(**metadata):
        yield
    if connection.in_atomic_block and not connection.needs_rollback:
        # The setting lives as long as the transaction: without this, later changes of it would bear this reason.
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('pghistory.context_id', '', true)")
