"""What operators read is complete: every variable that the code reads stands in the documentation."""

from __future__ import annotations

import re

from tests.ops.conftest import ROOT

LAYERS = ("portal", "stages", "metrics", "telemetry")
READ = re.compile(
    r"""(?:env\.\w+|optional)\(\s*"([A-Z][A-Z0-9_]+)\""""  # by a reader of the environment
    r"""|"((?:OIDC|PORTAL|STAGES|METRICS|TELEMETRY)_[A-Z0-9_]+)\""""  # or by its name, whatever reads it
)


def test_every_environment_variable_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)(?:=[^`]*)?`", (ROOT / "docs/operators/configure.md").read_text()))
    code = {file: file.read_text(encoding="utf-8") for layer in LAYERS for file in (ROOT / layer).rglob("*.py")}
    found = {
        one or other: str(file.relative_to(ROOT)) for file, text in code.items() for one, other in READ.findall(text)
    }
    assert len(found) > 50
    assert {name: file for name, file in found.items() if name not in documented} == {}
    everything = "\n".join(code.values())
    assert {name for name in documented if f'"{name}"' not in everything} == set()


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
