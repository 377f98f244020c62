"""The telemetry plugin as a Django app."""

from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    """Who this plugin is; what it adds stands in ``plugin.py``."""

    name = "telemetry"
    verbose_name = "Telemetry"

    def ready(self) -> None:
        """Listen to the dictionary."""
        from telemetry import receivers  # noqa: F401
