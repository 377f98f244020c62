"""The samples themselves, without a browser: quick to run while one is being written."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.browser.pages import samples


@pytest.mark.django_db
def test_every_sample_makes_a_page_that_answers(administrator_client: Client) -> None:
    for name, make in samples():
        assert administrator_client.get(make()).status_code == 200, name
