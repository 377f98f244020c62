"""What the telemetry plugin adds to the portal."""

from portal.plugin import Plugin

plugin = Plugin(
    name="telemetry",
    title="Telemetry",
    summary="The door for raw data: pings, version check, offline reports.",
    requires=("metrics",),
)
