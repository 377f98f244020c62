"""The Celery app: tasks of all plugins, their timetable, and a broker in the data folder where none is named."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("stageboard")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
