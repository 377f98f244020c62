"""What the metrics plugin adds to the portal."""

from datetime import timedelta

from celery.schedules import crontab

from metrics import attention, health, panels, slots
from metrics.api.dictionary import DefinitionViewSet, MappingViewSet
from metrics.api.figures import FigureViewSet, MonthViewSet
from metrics.demo.step import run as make_the_demo_dictionary
from metrics.engine.health import figures as figures_health
from metrics.search import search, search_figures
from portal.plugin import (
    ApiRoute,
    Attention,
    DemoStep,
    HealthCheck,
    HomePanel,
    Mount,
    NavGroup,
    NavItem,
    Panel,
    Permission,
    Plugin,
    Role,
    Schedule,
    SearchSource,
)
from stages import slots as catalog

plugin = Plugin(
    name="metrics",
    title="Metrics",
    summary="The metrics dictionary and the figures.",
    requires=("stages",),
    navigation=(
        NavItem(group=NavGroup.FIGURES, label="All figures", url_name="metrics:dashboard", order=10),
        NavItem(group=NavGroup.FIGURES, label="Explore", url_name="metrics:explore", order=20),
        NavItem(group=NavGroup.FIGURES, label="Months", url_name="metrics:months", order=30),
        NavItem(group=NavGroup.FIGURES, label="Installations", url_name="metrics:installations", order=40),
        NavItem(group=NavGroup.FIGURES, label="Subscriptions", url_name="metrics:subscriptions", order=50),
        NavItem(group=NavGroup.METRICS, label="Dictionary", url_name="metrics:dictionary", order=10),
        NavItem(group=NavGroup.METRICS, label="Mapping", url_name="metrics:mapping", order=20),
        NavItem(group=NavGroup.METRICS, label="Reviews", url_name="metrics:reviews", order=30),
        NavItem(group=NavGroup.METRICS, label="Hygiene", url_name="metrics:hygiene", order=40),
    ),
    slots=slots.ALL,
    urls=(Mount(prefix="", urlconf="metrics.urls"),),
    api=(
        ApiRoute(prefix="metrics", viewset=DefinitionViewSet, basename="metric"),
        ApiRoute(prefix="mappings", viewset=MappingViewSet, basename="mapping"),
        ApiRoute(prefix="figures", viewset=FigureViewSet, basename="figure"),
        ApiRoute(prefix="months", viewset=MonthViewSet, basename="month"),
    ),
    schedules=(
        Schedule(
            name="Figures that have yet to follow",
            task="metrics.tasks.sweep",
            when=timedelta(minutes=1),
            words="every minute",
            queue="sweep",
        ),
        Schedule(
            name="Months that become provisional or final",
            task="metrics.tasks.advance_months",
            when=crontab(minute="10", hour="0"),
            words="every night at 00:10 UTC",
            queue="rollup",
        ),
    ),
    panels=(
        Panel(slot=catalog.STAGE_FIGURES, name="figures", title="Figures", render=panels.stage_figures),
        Panel(slot=catalog.STAGE_TREND, name="trend", title="Trend", render=panels.stage_trend),
        Panel(slot=catalog.STAGE_FEATURES, name="features", title="Feature use", render=panels.stage_features),
        Panel(slot=catalog.STAGE_GROUPS, name="groups", title="Groups", render=panels.stage_groups),
        Panel(slot=catalog.STAGE_NOTES, name="data-notes", title="Data quality", render=panels.stage_notes_panel),
        Panel(
            slot=catalog.STAGE_DATA_DOCS, name="queries", title="Queries of its figures", render=panels.stage_queries
        ),
        Panel(
            slot=catalog.STAGE_INDICATORS,
            name="indicators",
            title="Indicators in the dictionary",
            render=panels.stage_indicators,
        ),
        Panel(slot=catalog.GROUP_FIGURES, name="figures", title="Figures", render=panels.group_figures),
        Panel(slot=catalog.SECTION_FIGURES, name="figures", title="Figures", render=panels.section_figures),
        Panel(slot=catalog.CATALOG_OVERVIEW, name="overview", title="Active users", render=panels.catalog_overview),
    ),
    home_panels=(HomePanel(name="users", title="Monthly active users", render=panels.home, order=10),),
    search=(SearchSource(name="Metrics", search=search), SearchSource(name="Figures", search=search_figures)),
    health=(
        HealthCheck(name="Dictionary", check=health.dictionary),
        HealthCheck(name="Figures", check=figures_health),
    ),
    permissions=(
        Permission(
            codename="metrics.propose_change",
            sentence="Propose a change of a metric's definition.",
            roles=(Role.METRIC_OWNER,),
        ),
        Permission(
            codename="metrics.decide_change",
            sentence="Approve or refuse what others propose for a definition.",
            roles=(Role.REVIEWER,),
        ),
        Permission(
            codename="metrics.map_metric",
            sentence="Say which metric is the figure of a stage, a group or the product, and since when.",
            roles=(Role.REVIEWER,),
        ),
        Permission(
            codename="metrics.close_month", sentence="Close and re-open a month, with a reason.", roles=(Role.REVIEWER,)
        ),
        Permission(
            codename="metrics.label_installation",
            sentence="Name our SaaS, and leave installations out of all figures.",
            roles=(Role.ADMINISTRATOR,),
        ),
        Permission(
            codename="metrics.change_subscription",
            sentence="Import and correct the list of subscriptions.",
            roles=(Role.ADMINISTRATOR,),
        ),
    ),
    attention=(
        Attention(name="Proposed definitions", items=attention.reviews),
        Attention(name="Conflicts of the mapping", items=attention.mapping_conflicts),
        Attention(name="Figures that look odd", items=attention.odd_figures),
    ),
    demo=(DemoStep(name="The dictionary of the demo's product", run=make_the_demo_dictionary, order=40),),
)
