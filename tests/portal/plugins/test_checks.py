"""Every mistake in a plugin has an id and a hint, and none takes the portal down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery.schedules import crontab
from django.apps import apps
from rest_framework.views import APIView

from portal.plugin import (
    ApiRoute,
    ApiUrls,
    DocsPage,
    Health,
    HealthCheck,
    HealthState,
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
    Slot,
)
from portal.plugins.checks import all_problems, as_message
from portal.plugins.duplicates import without_duplicates
from portal.plugins.problems import Problem
from portal.plugins.registry import Loaded, Registry, in_order
from portal.plugins.shape import well_formed

SOUND = Plugin(name="shelves", title="Shelves", summary="A plugin of this test.")
SHELF = Slot("shelf", str, "A place of this test.")


def a_schedule(**more: Any) -> Schedule:
    sound: dict[str, Any] = {
        "name": "shelves.sweep",
        "task": "portal.tasks.sweep_jobs",
        "when": timedelta(minutes=5),
        "words": "every five minutes",
    }
    return Schedule(**(sound | more))


def a_panel(**more: Any) -> Panel[str]:
    sound: dict[str, Any] = {"slot": SHELF, "name": "books", "title": "Books", "render": lambda request, subject: None}
    return Panel(**(sound | more))


def problems_of(*plugins: Plugin) -> list[Problem]:
    """What load and checks find in a portal of these plugins alone."""
    found: list[Problem] = []
    formed: list[Plugin] = []
    for plugin in plugins:
        good, wrong = well_formed(plugin)
        formed.append(good)
        found += wrong
    carrier = apps.get_app_config("contenttypes")
    ordered = in_order([Loaded(carrier, plugin) for plugin in formed])
    settled, doubled = without_duplicates([loaded.plugin for loaded in ordered])
    registry = Registry()
    registry.loaded = tuple(Loaded(carrier, plugin) for plugin in settled)
    registry.problems = (*found, *doubled)
    return all_problems(registry)


class Silent(APIView):
    """States no role."""

    def post(self, request: Any) -> None: ...


HEALTH = HealthCheck(name="disk", check=lambda: Health(state=HealthState.OK, sentence="Fine."))
SEARCH = SearchSource(name="books", search=lambda query, user, limit: [])

MISTAKES: dict[str, tuple[str, Callable[[], dict[str, Any]], str]] = {
    "a bare string where a tuple is meant": ("E003", lambda: {"requires": "tables"}, "('tables',)"),
    "a list where a tuple is meant": ("E003", lambda: {"health": [HEALTH]}, "round brackets"),
    "one value without its comma": ("E003", lambda: {"health": HEALTH}, "comma"),
    "a bare string inside a contribution": (
        "E003",
        lambda: {"permissions": (Permission(codename="shelves.move_book", sentence="…", roles="editor"),)},  # type: ignore[arg-type]  # that is the mistake
        "comma",
    ),
    "a contribution of another kind": ("E004", lambda: {"search": (HEALTH,)}, "SearchSource"),
    "a slot by its name": ("E004", lambda: {"slots": (SHELF,), "panels": (a_panel(slot="shelf"),)}, "Import the slot"),
    "a role by its name": ("E004", lambda: {"slots": (SHELF,), "panels": (a_panel(role="viewer"),)}, "import them"),
    "an instance instead of a viewset class": (
        "E004",
        lambda: {"api": (ApiRoute(prefix="books", viewset=Silent(), basename="book"),)},  # type: ignore[arg-type]  # that is the mistake
        "without brackets",
    ),
    "a function that is called instead of given": (
        "E005",
        lambda: {"home_panels": (HomePanel(name="a", title="A", render=None),)},  # type: ignore[arg-type]  # that is the mistake
        "without calling it",
    ),
    "an unknown required plugin": ("E007", lambda: {"requires": ("nowhere",)}, "Install 'nowhere'"),
    "a plugin that requires itself": ("E008", lambda: {"requires": ("shelves",)}, "layers"),
    "navigation that leads nowhere": (
        "E009",
        lambda: {"navigation": (NavItem(group=NavGroup.CATALOG, label="Books", url_name="shelves:index"),)},
        "namespace",
    ),
    "a URLconf that is not there": ("E010", lambda: {"urls": (Mount(prefix="a/", urlconf="shelves.urls"),)}, "dotted"),
    "a prefix with a slash at its start": (
        "E011",
        lambda: {"urls": (Mount(prefix="/a/", urlconf="portal.pages.urls"),)},
        "'a/'",
    ),
    "a prefix without a slash at its end": (
        "E011",
        lambda: {"api": (ApiUrls(prefix="a", urlconf="portal.pages.urls"),)},
        "'a/'",
    ),
    "a viewset's prefix with a slash at its end": (
        "E011",
        lambda: {"api": (ApiRoute(prefix="a/", viewset=Silent, basename="a"),)},
        "'a'",
    ),
    "a page prefix twice": (
        "E012",
        lambda: {"urls": (Mount(prefix="a/", urlconf="portal.pages.urls"),) * 2},
        "another name",
    ),
    "a name twice": ("E013", lambda: {"search": (SEARCH, SEARCH)}, "another name"),
    "a slot twice": ("E013", lambda: {"slots": (SHELF, SHELF)}, "another name"),
    "an API prefix twice": (
        "E014",
        lambda: {
            "api": (
                ApiRoute(prefix="a", viewset=Silent, basename="a"),
                ApiRoute(prefix="a", viewset=Silent, basename="b"),
            )
        },
        "another name",
    ),
    "a panel for a slot that no one offers": ("E015", lambda: {"panels": (a_panel(),)}, "slots="),
    "a docs page without its file": (
        "E017",
        lambda: {"docs": (DocsPage(slug="books", title="Books", path=Path("/nowhere.md")),)},
        "package data",
    ),
    "a docs page with an odd slug": (
        "E018",
        lambda: {"docs": (DocsPage(slug="My Books/", title="Books", path=Path(__file__)),)},
        "small letters",
    ),
    "a task that is not registered": (
        "E019",
        lambda: {"schedules": (a_schedule(task="shelves.sweep"),)},
        "shared_task",
    ),
    "an unknown queue": ("E020", lambda: {"schedules": (a_schedule(queue="slow"),)}, "ingest"),
    "a crontab without a minute": ("E021", lambda: {"schedules": (a_schedule(when=crontab(hour=3)),)}, "minute=0"),
    "a schedule without words": ("E022", lambda: {"schedules": (a_schedule(words=" "),)}, "every night"),
    "a permission with an odd name": (
        "E023",
        lambda: {"permissions": (Permission(codename="Move!", sentence="…", roles=(Role.EDITOR,)),)},
        "myplugin.edit_book",
    ),
    "a permission that no role holds": (
        "E024",
        lambda: {"permissions": (Permission(codename="shelves.move_book", sentence="…", roles=()),)},
        "Role.EDITOR",
    ),
    "a page that states no role": (
        "E025",
        lambda: {"urls": (Mount(prefix="x/", urlconf="allauth.urls"),)},
        "@requires",
    ),
    "an API view that states no role": (
        "E026",
        lambda: {"api": (ApiRoute(prefix="a", viewset=Silent, basename="a"),)},
        "write_role",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_id_the_plugin_and_a_hint(mistake: str) -> None:
    id, build, hint = MISTAKES[mistake]
    found = problems_of(replace(SOUND, **build()))
    matching = [problem for problem in found if problem.id == id]
    assert matching, f"{mistake}: expected {id}, found {found}"
    assert any(hint in problem.hint + problem.sentence for problem in matching)
    message = as_message(matching[0])
    assert message.id == f"portal.{id}"
    assert "shelves" in str(message)


def test_a_sound_plugin_has_no_problems() -> None:
    plugin = replace(
        SOUND,
        slots=(SHELF,),
        panels=(a_panel(),),
        search=(SEARCH,),
        health=(HEALTH,),
        schedules=(a_schedule(when=crontab(minute=0, hour=3)), a_schedule(name="b", when=crontab(minute="*/5"))),
        permissions=(Permission(codename="shelves.move_book", sentence="Move books.", roles=(Role.EDITOR,)),),
    )
    assert problems_of(plugin) == []


def test_the_installed_plugins_have_no_problems(db: None) -> None:
    from portal.plugins.registry import registry

    assert all_problems(registry) == []


def test_what_has_the_wrong_shape_is_set_aside_and_the_rest_stays() -> None:
    good, problems = well_formed(replace(SOUND, search=(SEARCH, "books"), requires="tables"))  # type: ignore[arg-type]  # that is the mistake
    assert (good.search, good.requires) == ((SEARCH,), ())
    assert [problem.id for problem in problems] == ["E003", "E004"]


def test_of_two_plugins_that_claim_one_name_the_first_keeps_it() -> None:
    other = replace(SOUND, name="tables", search=(SEARCH,))
    (first, second), problems = without_duplicates([replace(SOUND, search=(SEARCH,)), other])
    assert (first.search, second.search) == ((SEARCH,), ())
    assert "shelves" in problems[0].sentence
    assert problems[0].plugin == "tables"


def test_the_root_of_the_api_may_be_shared() -> None:
    shared = (ApiUrls(prefix="", urlconf="portal.pages.urls"),)
    plugins = [replace(SOUND, api=shared), replace(SOUND, name="tables", api=shared)]
    assert without_duplicates(plugins) == (plugins, [])


def test_a_missing_template_is_named_with_the_file_that_names_it(tmp_path: Path) -> None:
    from portal.plugins.checks import templates

    (tmp_path / "views.py").write_text('TEMPLATE = "shelves/nowhere.html"\nOTHER = "portal/base.html"\n')
    registry = Registry()
    carrier = type("Carrier", (), {"path": str(tmp_path), "label": "shelves"})()
    registry.loaded = (Loaded(carrier, SOUND),)
    (problem,) = templates(registry)
    assert problem.id == "E016"
    assert "views.py" in problem.sentence
    assert "shelves/nowhere.html" in problem.sentence
    assert "shelves/templates/" in problem.hint


def test_every_id_is_explained_in_the_guide() -> None:
    source = Path(__file__).parents[3] / "portal" / "plugins"
    ids = {
        word.strip('",()')
        for file in source.glob("*.py")
        for word in file.read_text().replace("=", " ").split()
        if word.startswith('"E0')
    }
    guide = (Path(__file__).parents[3] / "docs" / "developers" / "plugins.md").read_text()
    assert ids, "the ids are found in the code"
    assert {id for id in ids if f"portal.{id}" not in guide} == set()
