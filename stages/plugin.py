"""What the stages plugin adds to the portal."""

from portal.plugin import Plugin

plugin = Plugin(
    name="stages",
    title="Stages",
    summary="The handbook catalog: sections, stages, groups and their resources.",
)
