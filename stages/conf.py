"""The settings of the catalog, read from the environment."""

from __future__ import annotations

from portal.settings import env


def handbook_url() -> str:
    """Where site-relative links of the handbook lead (``STAGES_HANDBOOK_URL``)."""
    return env.text("STAGES_HANDBOOK_URL", "https://about.gitlab.com")


def private_hosts() -> frozenset[str]:
    """Hosts of the own network that the link check and the pull may ask (``STAGES_PRIVATE_HOSTS``, by comma)."""
    return frozenset(host.lower() for host in env.words("STAGES_PRIVATE_HOSTS", []))


def longest_crawl_delay() -> int:
    """Seconds that a run of the link check waits at most for a host (``STAGES_LONGEST_CRAWL_DELAY``)."""
    return env.integer("STAGES_LONGEST_CRAWL_DELAY", 30, least=1)


def pull_source() -> str:
    """A folder (a Git checkout is brought up to date first) or a URL folder to pull from; empty: none."""
    return env.text("STAGES_PULL_SOURCE", "")


def pull_page() -> str:
    """The file name of the handbook page in the pulled folder."""
    return env.text("STAGES_PULL_PAGE", "crash_course.md")
