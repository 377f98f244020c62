"""What the stages plugin adds to the portal."""

from portal.plugin import Mount, NavGroup, NavItem, Plugin
from stages import slots

plugin = Plugin(
    name="stages",
    title="Stages",
    summary="The handbook catalog: sections, stages, groups and their resources.",
    navigation=(NavItem(group=NavGroup.CATALOG, label="Stages", url_name="stages:index", order=10),),
    urls=(Mount(prefix="", urlconf="stages.urls"),),
    slots=slots.ALL,
)
