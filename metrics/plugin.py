"""What the metrics plugin adds to the portal."""

from metrics.demo.step import run as make_the_demo_dictionary
from portal.plugin import DemoStep, Plugin

plugin = Plugin(
    name="metrics",
    title="Metrics",
    summary="The metrics dictionary and the figures.",
    requires=("stages",),
    demo=(DemoStep(name="The dictionary of the demo's product", run=make_the_demo_dictionary, order=40),),
)
