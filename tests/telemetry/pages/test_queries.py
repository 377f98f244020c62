"""The number of queries is part of a page: it does not grow with what is shown."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from telemetry import worker
from tests.builders import a_user
from tests.telemetry.builders import a_ping, an_indicator

pytestmark = pytest.mark.django_db

MOST = {"pings": 8, "ingest": 26, "unknown": 8, "issues": 10, "versions": 16}


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize("name", ["pings", "ingest", "unknown", "issues", "versions"])
def test_a_list_takes_as_many_queries_for_one_row_as_for_many(name: str) -> None:
    an_indicator()
    client = Client()
    client.force_login(a_user("", "reviewer"))
    url = reverse(f"telemetry:{name}")
    a_ping(users=-1, odd=1)
    worker.read_all()
    client.get(url)
    few = queries(client, url)
    for number in range(6):
        a_ping(hostname=f"h{number}", users=-1, **{f"odd{number}": 1})
    worker.read_all()
    assert queries(client, url) == few
    assert few <= MOST[name]


def test_the_ping_page_takes_a_fixed_number_of_queries() -> None:
    an_indicator()
    client = Client()
    client.force_login(a_user("", "reviewer"))
    small = a_ping(hostname="small")
    large = a_ping(hostname="large", counts={f"c{number}": number for number in range(500)})
    worker.read_all()
    client.get(small.get_absolute_url())
    few = queries(client, small.get_absolute_url())
    assert queries(client, large.get_absolute_url()) == few
    assert few <= 40
