"""What the telemetry plugin adds to the portal."""

from datetime import timedelta

from celery.schedules import crontab

from metrics.slots import INSTALLATION_PANELS
from portal.plugin import (
    ApiRoute,
    ApiUrls,
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
    SourceResolver,
)
from telemetry import panels
from telemetry.api.keys import IngestKeyViewSet, OrganisationViewSet, SigningKeyViewSet
from telemetry.api.quarantine import QuarantineViewSet
from telemetry.api.releases import ReleaseViewSet
from telemetry.demo.step import run as send_the_demo_world

plugin = Plugin(
    name="telemetry",
    title="Telemetry",
    summary="The door for raw data: pings, version check, offline reports.",
    requires=("metrics",),
    navigation=(
        NavItem(group=NavGroup.TELEMETRY, label="Ingest", url_name="telemetry:ingest", order=10),
        NavItem(group=NavGroup.TELEMETRY, label="Pings", url_name="telemetry:pings", order=20),
        NavItem(group=NavGroup.TELEMETRY, label="Quarantine", url_name="telemetry:quarantine", order=30),
        NavItem(group=NavGroup.TELEMETRY, label="Unknown keys", url_name="telemetry:unknown", order=40),
        NavItem(group=NavGroup.TELEMETRY, label="Issues", url_name="telemetry:issues", order=50),
        NavItem(group=NavGroup.TELEMETRY, label="Versions", url_name="telemetry:versions", order=60),
        NavItem(group=NavGroup.TELEMETRY, label="Costs of metrics", url_name="telemetry:costs", order=70),
        NavItem(group=NavGroup.TELEMETRY, label="Error reports", url_name="telemetry:errors", order=80),
        NavItem(group=NavGroup.TELEMETRY, label="Upload pings", url_name="telemetry:upload", order=90),
        NavItem(
            group=NavGroup.TELEMETRY,
            label="What is collected",
            url_name="telemetry:collected",
            order=95,
            role=Role.ANONYMOUS,
        ),
        NavItem(
            group=NavGroup.TELEMETRY,
            label="Ingest keys",
            url_name="telemetry:keys",
            order=100,
            role=Role.ADMINISTRATOR,
        ),
        NavItem(
            group=NavGroup.TELEMETRY,
            label="Privacy",
            url_name="telemetry:privacy",
            order=110,
            role=Role.ADMINISTRATOR,
        ),
    ),
    urls=(
        Mount(prefix="", urlconf="telemetry.wire_urls", early=True),
        Mount(prefix="", urlconf="telemetry.urls"),
    ),
    api=(
        ApiUrls(prefix="", urlconf="telemetry.api.urls"),
        ApiRoute(prefix="releases", viewset=ReleaseViewSet, basename="release"),
        ApiRoute(prefix="ingest-keys", viewset=IngestKeyViewSet, basename="ingest-key"),
        ApiRoute(prefix="organisations", viewset=OrganisationViewSet, basename="organisation"),
        ApiRoute(prefix="signing-keys", viewset=SigningKeyViewSet, basename="signing-key"),
        ApiRoute(prefix="quarantine", viewset=QuarantineViewSet, basename="quarantine"),
    ),
    panels=(
        Panel(slot=INSTALLATION_PANELS, name="pings", title="Pings and consent", render=panels.installation_pings),
    ),
    home_panels=(HomePanel(name="ingest", title="Ingest", render=panels.home, order=40),),
    search=(SearchSource(name="Telemetry", search=panels.search),),
    health=(
        HealthCheck(name="Ingest", check=panels.ingest_health),
        HealthCheck(name="Heartbeat of the population", check=panels.heartbeat_health),
    ),
    permissions=(
        Permission(
            codename="telemetry.judge_ping",
            sentence="Release or reject pings in quarantine, with a reason.",
            roles=(Role.REVIEWER,),
        ),
        Permission(
            codename="telemetry.manage_key",
            sentence="Give and revoke ingest keys, name releases, change the rules of quarantine, erase installations.",
            roles=(Role.ADMINISTRATOR,),
        ),
    ),
    sources=(SourceResolver(name="telemetry", resolve=panels.resolve),),
    attention=(Attention(name="Quarantine and failures", items=panels.waiting),),
    demo=(DemoStep(name="The reports of the demo's installations", run=send_the_demo_world, order=60),),
    schedules=(
        Schedule(
            name="telemetry.sweep",
            task="telemetry.tasks.sweep",
            when=timedelta(minutes=1),
            words="every minute: is a ping waiting that nobody was told of?",
            queue="sweep",
        ),
        Schedule(
            name="telemetry.retention",
            task="telemetry.tasks.retention",
            when=crontab(minute=25, hour=2),
            words="every night at 2:25 UTC: delete what has been kept long enough",
        ),
        Schedule(
            name="telemetry.quantiles",
            task="telemetry.tasks.quantiles",
            when=crontab(minute=40, hour=2),
            words="every night at 2:40 UTC: how large are metrics over the population?",
        ),
    ),
)
