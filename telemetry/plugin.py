"""What the telemetry plugin adds to the portal."""

from datetime import timedelta

from portal.plugin import ApiUrls, DemoStep, Mount, Plugin, Schedule
from telemetry.demo.step import run as send_the_demo_world

plugin = Plugin(
    name="telemetry",
    title="Telemetry",
    summary="The door for raw data: pings, version check, offline reports.",
    requires=("metrics",),
    urls=(Mount(prefix="", urlconf="telemetry.urls"),),
    api=(ApiUrls(prefix="", urlconf="telemetry.api.urls"),),
    demo=(DemoStep(name="The reports of the demo's installations", run=send_the_demo_world, order=60),),
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
