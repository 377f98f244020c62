"""The stages plugin as a Django app."""

from django.apps import AppConfig


class StagesConfig(AppConfig):
    """Who this plugin is; what it adds stands in ``plugin.py``."""

    name = "stages"
    verbose_name = "Stages"

    def ready(self) -> None:
        """Join what names a group to it when groups come or are renamed."""
        from stages.receivers import name_changed_groups
        from stages.signals import structure_changed

        structure_changed.connect(name_changed_groups, dispatch_uid="stages.name_changed_groups")
