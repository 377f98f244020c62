"""What the stages plugin adds to the portal."""

from portal.plugin import (
    ApiRoute,
    Attention,
    DemoStep,
    HealthCheck,
    HomePanel,
    Mount,
    NavGroup,
    NavItem,
    Plugin,
    ScopeSource,
    SearchSource,
)
from stages import contributions, search, slots
from stages.api import views
from stages.demo.step import run as make_the_demo_catalog

plugin = Plugin(
    name="stages",
    title="Stages",
    summary="The handbook catalog: sections, stages, groups and their resources.",
    navigation=(
        NavItem(group=NavGroup.CATALOG, label="Stages", url_name="stages:index", order=10),
        NavItem(group=NavGroup.CATALOG, label="Completeness", url_name="stages:board", order=20),
    ),
    urls=(Mount(prefix="", urlconf="stages.urls"),),
    api=(
        ApiRoute(prefix="sections", viewset=views.SectionViewSet, basename="section"),
        ApiRoute(prefix="stages", viewset=views.StageViewSet, basename="stage"),
        ApiRoute(prefix="groups", viewset=views.GroupViewSet, basename="group"),
        ApiRoute(prefix="categories", viewset=views.CategoryViewSet, basename="category"),
        ApiRoute(prefix="resources", viewset=views.ResourceViewSet, basename="resource"),
        ApiRoute(prefix="starting-points", viewset=views.StartingPointViewSet, basename="starting-point"),
    ),
    home_panels=(HomePanel(name="catalog", title="Catalog", render=contributions.home, order=40),),
    search=(SearchSource(name="Catalog", search=search.search),),
    health=(HealthCheck(name="catalog", check=contributions.health),),
    scopes=(
        ScopeSource(name="section", title="Sections", choices=contributions.section_scopes),
        ScopeSource(name="stage", title="Stages", choices=contributions.stage_scopes),
        ScopeSource(name="group", title="Groups", choices=contributions.group_scopes),
    ),
    attention=(Attention(name="catalog", items=contributions.attention),),
    demo=(DemoStep(name="The catalog of the demo's product", run=make_the_demo_catalog, order=20),),
    slots=slots.ALL,
)
