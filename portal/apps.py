"""The host as a Django app."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Loads the plugins once every app has its models."""

    name = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        from portal.plugins import checks  # noqa: F401  (registers the system checks)
        from portal.plugins.registry import registry

        registry.load()

        # The Celery app must exist in every process that sends a task, and be told of the tasks' hints.
        import portal.failures
        import portal.wakeups  # noqa: F401
        from portal.celery import make_message_folders

        make_message_folders()
