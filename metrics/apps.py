"""The metrics plugin as a Django app."""

from django.apps import AppConfig


class MetricsConfig(AppConfig):
    """Who this plugin is; what it adds stands in ``plugin.py``."""

    name = "metrics"
    verbose_name = "Metrics"
