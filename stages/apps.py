"""The stages plugin as a Django app."""

from django.apps import AppConfig


class StagesConfig(AppConfig):
    """Who this plugin is; what it adds stands in ``plugin.py``."""

    name = "stages"
    verbose_name = "Stages"
