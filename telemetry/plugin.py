"""What the telemetry plugin adds to the portal."""

from datetime import timedelta

from portal.plugin import ApiUrls, Mount, Plugin, Schedule

plugin = Plugin(
    name="telemetry",
    title="Telemetry",
    summary="The door for raw data: pings, version check, offline reports.",
    requires=("metrics",),
    urls=(Mount(prefix="", urlconf="telemetry.urls"),),
    api=(ApiUrls(prefix="", urlconf="telemetry.api.urls"),),
    schedules=(
        Schedule(
            name="telemetry.sweep",
            task="telemetry.tasks.sweep",
            when=timedelta(minutes=1),
            words="every minute: is a ping waiting that nobody was told of?",
            queue="sweep",
        ),
    ),
)
