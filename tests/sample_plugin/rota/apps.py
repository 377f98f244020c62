"""The plugin as a Django app."""

from django.apps import AppConfig


class RotaConfig(AppConfig):
    """Who this plugin is; what it adds stands in ``plugin.py``."""

    name = "rota"
    verbose_name = "Rota"
    default_auto_field = "django.db.models.BigAutoField"
