"""Whether a ``Plugin`` is made of what it says it is made of; checked at load, before anything uses it.

Python's dataclasses take any value for any field. A contribution of the wrong shape is set aside here and named as a
problem, so that the portal starts, its checks can speak, and the other plugins work.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from portal.plugin import (
    ApiRoute,
    ApiUrls,
    Attention,
    DemoStep,
    DocsPage,
    HealthCheck,
    HomePanel,
    Mount,
    NavItem,
    Panel,
    Permission,
    Plugin,
    Role,
    Schedule,
    ScopeSource,
    SearchSource,
    Slot,
    SourceResolver,
)
from portal.plugins.problems import Problem

CONTRIBUTIONS: dict[str, tuple[type[Any], ...]] = {
    "requires": (str,),
    "navigation": (NavItem,),
    "urls": (Mount,),
    "api": (ApiRoute, ApiUrls),
    "panels": (Panel,),
    "home_panels": (HomePanel,),
    "schedules": (Schedule,),
    "search": (SearchSource,),
    "health": (HealthCheck,),
    "docs": (DocsPage,),
    "permissions": (Permission,),
    "scopes": (ScopeSource,),
    "sources": (SourceResolver,),
    "attention": (Attention,),
    "demo": (DemoStep,),
    "slots": (Slot,),
}
"""Each field of ``Plugin`` that holds contributions, with what may stand in it."""

PLAIN: dict[str, type[Any]] = {"str": str, "int": int, "bool": bool, "float": float, "Path": Path, "Role": Role}


def well_formed(plugin: Plugin) -> tuple[Plugin, list[Problem]]:
    """The plugin without what has the wrong shape, and what that was."""
    problems: list[Problem] = []
    kept: dict[str, Any] = {}
    for name, kinds in CONTRIBUTIONS.items():
        value = getattr(plugin, name)
        if not isinstance(value, tuple):
            problems.append(not_a_tuple(plugin, name, value))
            kept[name] = ()
            continue
        good: list[Any] = []
        for item in value:
            found = list(item_problems(plugin, name, item, kinds))
            problems += found
            if not found:
                good.append(item)
        if len(good) != len(value):
            kept[name] = tuple(good)
    return (replace(plugin, **kept) if kept else plugin), problems


def not_a_tuple(plugin: Plugin, where: str, value: object) -> Problem:
    """``requires=("tables")`` is a string: the comma makes the tuple."""
    kind = type(value).__name__
    if isinstance(value, str):
        hint = f"A tuple of one needs a comma: ({value!r},)."
    elif isinstance(value, list | set | frozenset):
        hint = "Write it with round brackets: a plugin does not change once it is made."
    else:
        hint = "A tuple of one needs a comma after its only element: (…,)."
    return Problem(
        id="E003", plugin=plugin.name, sentence=f"{where} must be a tuple; it is the {kind} {short(value)}.", hint=hint
    )


def item_problems(plugin: Plugin, where: str, item: object, kinds: tuple[type[Any], ...]) -> Iterator[Problem]:
    """What is wrong with one contribution: its kind, the values of its fields, what its fields point to."""
    if not isinstance(item, kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        yield Problem(
            id="E004",
            plugin=plugin.name,
            sentence=f"{where} holds {short(item)}, which is no {wanted}.",
            hint=f"Put {wanted}(…) values from portal.plugin into {where}.",
        )
        return
    if is_dataclass(item):
        yield from field_problems(plugin, where, item)
    if isinstance(item, Mount | ApiUrls) and isinstance(item.urlconf, str) and not module_is_there(item.urlconf):
        yield Problem(
            id="E010",
            plugin=plugin.name,
            sentence=f"{where} includes the URLconf {item.urlconf!r}, and there is no such module.",
            hint="Name the module by its dotted path, as in 'myplugin.urls'.",
        )
    if isinstance(item, Mount | ApiUrls | ApiRoute) and isinstance(item.prefix, str):
        yield from prefix_problems(plugin, where, item)
    viewset: object = item.viewset if isinstance(item, ApiRoute) else type
    if not isinstance(viewset, type):
        yield Problem(
            id="E004",
            plugin=plugin.name,
            sentence=f"{where} has the viewset {short(viewset)}, which is no class.",
            hint="Give the class itself: viewset=BookViewSet, without brackets and without as_view().",
        )


def field_problems(plugin: Plugin, where: str, item: Any) -> Iterator[Problem]:
    """Fields whose value is not of the kind that their annotation promises."""
    label = f"{type(item).__name__} {getattr(item, 'name', getattr(item, 'label', ''))!r} in {where}"
    for field in fields(item):
        value = getattr(item, field.name)
        promised = str(field.type)
        if promised.startswith("tuple") and not isinstance(value, tuple):
            problem = not_a_tuple(plugin, f"{field.name} of {label}", value)
            yield problem
        elif promised.startswith("Callable") and not callable(value):
            yield Problem(
                id="E005",
                plugin=plugin.name,
                sentence=f"{field.name} of {label} is {short(value)}, which cannot be called.",
                hint=f"Give the function itself, without calling it: {field.name}=my_function.",
            )
        elif promised in PLAIN and not isinstance(value, PLAIN[promised]):
            yield Problem(
                id="E004",
                plugin=plugin.name,
                sentence=f"{field.name} of {label} is {short(value)}; it must be a {promised}.",
                hint="Slots, roles and paths are objects, not their names: import them."
                if isinstance(value, str)
                else f"Give a {promised}.",
            )
        elif promised.startswith("Slot") and not isinstance(value, Slot):
            yield Problem(
                id="E004",
                plugin=plugin.name,
                sentence=f"{field.name} of {label} is {short(value)}; it must be a Slot.",
                hint="Import the slot from the slots.py of the plugin whose page it is on.",
            )


def prefix_problems(plugin: Plugin, where: str, item: Mount | ApiUrls | ApiRoute) -> Iterator[Problem]:
    """Prefixes start without a slash; a mount's ends with one, a viewset's without."""
    prefix = item.prefix
    if prefix.startswith("/"):
        hint, wrong = f"Write {prefix.lstrip('/')!r}: a prefix has no slash at its start.", True
    elif isinstance(item, ApiRoute):
        hint, wrong = f"Write {prefix.rstrip('/')!r}: the router adds the slash.", prefix.endswith("/") or not prefix
    else:
        hint, wrong = f"Write {prefix + '/'!r}: a prefix ends in a slash.", bool(prefix) and not prefix.endswith("/")
    if wrong:
        yield Problem(id="E011", plugin=plugin.name, sentence=f"{where} has the prefix {prefix!r}.", hint=hint)


def module_is_there(name: str) -> bool:
    """Whether a module can be found. An error inside one of its parent packages is not hidden."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            return False
        raise


def short(value: object) -> str:
    """A value in a sentence, not a page of it."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
