"""The metrics plugin as a Django app."""

from django.apps import AppConfig


class MetricsConfig(AppConfig):
    """Who this plugin is; what it adds stands in ``plugin.py``."""

    name = "metrics"
    verbose_name = "Metrics"

    def ready(self) -> None:
        """Follow the catalog: mappings are joined to groups and stages when the structure changes."""
        from metrics.definitions.receivers import follow_the_catalog
        from stages.signals import structure_changed

        structure_changed.connect(follow_the_catalog, dispatch_uid="metrics.follow_the_catalog")
