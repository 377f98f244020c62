"""What the stages plugin adds to the portal."""

from datetime import timedelta

from celery.schedules import crontab

from portal.plugin import (
    ApiRoute,
    Attention,
    DemoStep,
    HealthCheck,
    HomePanel,
    Mount,
    NavGroup,
    NavItem,
    Permission,
    Plugin,
    Role,
    Schedule,
    ScopeSource,
    SearchSource,
)
from stages import contributions, search, slots
from stages.api import importing, links, own_texts, planned, reading, resources, stage, structure, workflow
from stages.demo.step import run as make_the_demo_catalog

plugin = Plugin(
    name="stages",
    title="Stages",
    summary="The handbook catalog: sections, stages, groups and their resources.",
    navigation=(
        NavItem(group=NavGroup.CATALOG, label="Stages", url_name="stages:index", order=10),
        NavItem(group=NavGroup.CATALOG, label="Crash course", url_name="stages:crash-course", order=15),
        NavItem(group=NavGroup.CATALOG, label="Completeness", url_name="stages:board", order=20),
        NavItem(group=NavGroup.CATALOG, label="Compare stages", url_name="stages:compare", order=30),
        NavItem(group=NavGroup.CATALOG, label="Links", url_name="stages:links", order=35),
        NavItem(group=NavGroup.CATALOG, label="Import", url_name="stages:import", order=40, role=Role.EDITOR),
    ),
    urls=(Mount(prefix="", urlconf="stages.urls"),),
    api=(
        ApiRoute(prefix="sections", viewset=structure.SectionViewSet, basename="section"),
        ApiRoute(prefix="stages", viewset=stage.StageViewSet, basename="stage"),
        ApiRoute(prefix="groups", viewset=structure.GroupViewSet, basename="group"),
        ApiRoute(prefix="categories", viewset=structure.CategoryViewSet, basename="category"),
        ApiRoute(prefix="resources", viewset=resources.ResourceViewSet, basename="resource"),
        ApiRoute(prefix="starting-points", viewset=own_texts.StartingPointViewSet, basename="starting-point"),
        ApiRoute(prefix="page-texts", viewset=own_texts.PageTextViewSet, basename="page-text"),
        ApiRoute(prefix="completeness", viewset=reading.CompletenessViewSet, basename="completeness"),
        ApiRoute(prefix="reviews", viewset=reading.ReviewViewSet, basename="review"),
        ApiRoute(prefix="links", viewset=links.LinkViewSet, basename="link"),
        ApiRoute(prefix="suggestions", viewset=workflow.SuggestionViewSet, basename="suggestion"),
        ApiRoute(prefix="import-conflicts", viewset=workflow.ImportConflictViewSet, basename="import-conflict"),
        ApiRoute(prefix="field-conflicts", viewset=workflow.FieldConflictViewSet, basename="field-conflict"),
        ApiRoute(prefix="planned-changes", viewset=planned.PlannedChangeViewSet, basename="planned-change"),
        ApiRoute(prefix="people", viewset=workflow.PeopleViewSet, basename="person"),
        ApiRoute(prefix="handbook", viewset=importing.HandbookViewSet, basename="handbook"),
        ApiRoute(prefix="structure", viewset=importing.StructureViewSet, basename="structure"),
        ApiRoute(prefix="imports", viewset=importing.ImportRunViewSet, basename="import"),
    ),
    home_panels=(HomePanel(name="catalog", title="Catalog", render=contributions.home, order=40),),
    search=(SearchSource(name="Catalog", search=search.search),),
    health=(HealthCheck(name="Catalog", check=contributions.health),),
    schedules=(
        Schedule(
            name="check links",
            task="stages.tasks.check_links",
            when=crontab(hour=3, minute=20),
            words="every night at 03:20 UTC",
            queue="catalog",
        ),
        Schedule(
            name="forget previews of imports",
            task="stages.tasks.forget_previews",
            when=crontab(hour=4, minute=50),
            words="every night at 04:50 UTC",
            queue="catalog",
        ),
        Schedule(
            name="carry out what is planned",
            task="stages.tasks.carry_out_planned",
            when=crontab(minute=10),
            words="every hour, ten minutes past it, so that what a stopped worker missed is done the same day",
            queue="catalog",
        ),
        Schedule(
            name="pull the handbook",
            task="stages.tasks.pull_sources",
            when=timedelta(hours=1),
            words="every hour",
            queue="catalog",
        ),
    ),
    permissions=(
        Permission(
            codename="stages.edit_page",
            sentence="Edit the blocks, facts and structure of stages, decide suggestions, import files.",
            roles=(Role.EDITOR,),
        ),
    ),
    scopes=(
        ScopeSource(name="section", title="Sections", choices=contributions.section_scopes),
        ScopeSource(name="stage", title="Stages", choices=contributions.stage_scopes),
        ScopeSource(name="group", title="Groups", choices=contributions.group_scopes),
    ),
    attention=(Attention(name="Suggestions and reviews", items=contributions.attention),),
    demo=(DemoStep(name="The catalog of the demo's product", run=make_the_demo_catalog, order=20),),
    slots=slots.ALL,
)
