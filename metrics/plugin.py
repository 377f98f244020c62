"""What the metrics plugin adds to the portal."""

from metrics import attention, health
from metrics.api.dictionary import DefinitionViewSet, MappingViewSet
from metrics.demo.step import run as make_the_demo_dictionary
from metrics.search import search
from portal.plugin import (
    ApiRoute,
    Attention,
    DemoStep,
    HealthCheck,
    Mount,
    NavGroup,
    NavItem,
    Plugin,
    SearchSource,
)

plugin = Plugin(
    name="metrics",
    title="Metrics",
    summary="The metrics dictionary and the figures.",
    requires=("stages",),
    navigation=(
        NavItem(group=NavGroup.METRICS, label="Dictionary", url_name="metrics:dictionary", order=10),
        NavItem(group=NavGroup.METRICS, label="Mapping", url_name="metrics:mapping", order=20),
        NavItem(group=NavGroup.METRICS, label="Reviews", url_name="metrics:reviews", order=30),
        NavItem(group=NavGroup.METRICS, label="Hygiene", url_name="metrics:hygiene", order=40),
    ),
    urls=(Mount(prefix="", urlconf="metrics.urls"),),
    api=(
        ApiRoute(prefix="metrics", viewset=DefinitionViewSet, basename="metric"),
        ApiRoute(prefix="mappings", viewset=MappingViewSet, basename="mapping"),
    ),
    search=(SearchSource(name="Metrics", search=search),),
    health=(HealthCheck(name="Dictionary", check=health.dictionary),),
    attention=(
        Attention(name="Proposed definitions", items=attention.reviews),
        Attention(name="Conflicts of the mapping", items=attention.mapping_conflicts),
    ),
    demo=(DemoStep(name="The dictionary of the demo's product", run=make_the_demo_dictionary, order=40),),
)
