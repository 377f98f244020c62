"""The plugin's addresses."""

from django.urls import path

from rota import views

app_name = "rota"

urlpatterns = [path("", views.index, name="index")]
