"""What operators read is complete: every variable that the code reads stands in the documentation."""

from __future__ import annotations

import re

from tests.ops.conftest import ROOT

READ = re.compile(
    r"""(?:env\.(?:flag|text|integer|words|maybe_words|path|database|optional)|days|_one_of|optional)\(\s*"([A-Z][A-Z0-9_]+)\""""
)
LAYERS = ("portal", "stages", "metrics", "telemetry")


def test_every_environment_variable_is_documented() -> None:
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)(?:=[^`]*)?`", (ROOT / "docs/operators/configure.md").read_text()))
    found = {
        name: str(file.relative_to(ROOT))
        for layer in LAYERS
        for file in (ROOT / layer).rglob("*.py")
        for name in READ.findall(file.read_text(encoding="utf-8"))
    }
    assert len(found) > 30
    assert {name: file for name, file in found.items() if name not in documented} == {}


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in ("setup", "demo", "serve", "test", "bench", "backup", "restore"):
        assert re.search(rf"^{target}:.* ## .+", makefile, re.MULTILINE), target


def test_every_package_has_a_pin_and_every_direct_one_a_reason() -> None:
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "requirements/constraints.txt").read_text().split()}
    for name in ("base", "test", "dev"):
        for line in (ROOT / f"requirements/{name}.txt").read_text().splitlines():
            if not line or line.startswith(("#", "-r")):
                continue
            requirement, _, reason = line.partition("#")
            package = re.split(r"[\[=]", requirement.strip())[0].lower()
            assert package.replace("_", "-") in {each.replace("_", "-") for each in pinned}, line
            assert reason.strip(), line
