"""What the rota adds to the portal."""

from pathlib import Path

from celery.schedules import crontab
from portal.plugin import (
    ApiRoute,
    Attention,
    DemoStep,
    DocsPage,
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
    ScopeSource,
    SearchSource,
    SourceResolver,
)
from stages.slots import STAGE_NOTES

from rota import demo, health, panels, people, search
from rota.api import DutyViewSet

HERE = Path(__file__).parent

plugin = Plugin(
    name="rota",
    title="Rota",
    summary="Who is on duty for which stage.",
    version="1.2.0",
    requires=("stages",),
    navigation=(NavItem(group=NavGroup.CATALOG, label="Rota", url_name="rota:index", order=90),),
    urls=(Mount(prefix="rota/", urlconf="rota.urls"),),
    api=(ApiRoute(prefix="duties", viewset=DutyViewSet, basename="duty"),),
    panels=(Panel(slot=STAGE_NOTES, name="on-duty", title="On duty", render=panels.on_stage_page),),
    home_panels=(HomePanel(name="on-duty", title="On duty today", render=panels.on_home_page),),
    schedules=(
        Schedule(
            name="rota.forget_old",
            task="rota.tasks.forget_old",
            when=crontab(minute=30, hour=4),
            words="every night at 4:30 UTC",
        ),
    ),
    search=(SearchSource(name="rota", search=search.search),),
    health=(HealthCheck(name="rota", check=health.someone_is_on_duty),),
    docs=(DocsPage(slug="rota", title="The rota", path=HERE / "docs" / "rota.md", group="Plugins"),),
    permissions=(Permission(codename="rota.change_duty", sentence="Say who is on duty.", roles=(Role.EDITOR,)),),
    scopes=(ScopeSource(name="rota", title="Rota", choices=people.scopes),),
    sources=(SourceResolver(name="rota", resolve=people.resolve),),
    attention=(Attention(name="Rota", items=people.waiting_for),),
    demo=(DemoStep(name="rota", run=demo.put_everyone_on_duty, order=900),),
)
