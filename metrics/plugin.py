"""What the metrics plugin adds to the portal."""

from portal.plugin import Plugin

plugin = Plugin(
    name="metrics", title="Metrics", summary="The metrics dictionary and the figures.", requires=("stages",)
)
