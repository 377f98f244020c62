"""The host as a Django app."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Loads the plugins once every app has its models."""

    name = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        from portal.plugins.registry import registry

        registry.load()
