"""The settings of the catalog, read from the environment."""

from __future__ import annotations

from portal.settings import env


def handbook_url() -> str:
    """Where site-relative links of the handbook lead (``STAGES_HANDBOOK_URL``)."""
    return env.text("STAGES_HANDBOOK_URL", "https://about.gitlab.com")
