"""What the stages plugin adds to the portal."""

from portal.plugin import DemoStep, Mount, NavGroup, NavItem, Plugin
from stages import slots
from stages.demo.step import run as make_the_demo_catalog

plugin = Plugin(
    name="stages",
    title="Stages",
    summary="The handbook catalog: sections, stages, groups and their resources.",
    navigation=(NavItem(group=NavGroup.CATALOG, label="Stages", url_name="stages:index", order=10),),
    urls=(Mount(prefix="", urlconf="stages.urls"),),
    slots=slots.ALL,
    demo=(DemoStep(name="The catalog of the demo's product", run=make_the_demo_catalog, order=20),),
)
