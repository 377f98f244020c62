"""Fixtures of the metrics tests."""

from __future__ import annotations

import pytest

from tests.metrics.builders import a_small_catalog


@pytest.fixture
def catalog(db: None) -> None:
    """Two stages with three groups."""
    a_small_catalog()
