"""The guide "Write a plugin" shows the code of the sample plugin, to the letter and all of it."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
GUIDE = HERE.parents[1] / "docs" / "developers" / "write-a-plugin.md"
BLOCK = re.compile(r"^`(?P<file>[\w./-]+)`\n\n```\w+\n(?P<code>.*?)\n```$", re.MULTILINE | re.DOTALL)


def blocks() -> dict[str, str]:
    return {found["file"]: found["code"] for found in BLOCK.finditer(GUIDE.read_text(encoding="utf-8"))}


def test_each_code_block_is_the_file_it_names() -> None:
    for file, code in blocks().items():
        assert code == (HERE / file).read_text(encoding="utf-8").rstrip(), f"the guide shows another {file}"


def test_every_file_of_the_plugin_is_shown() -> None:
    files = {
        file.relative_to(HERE).as_posix()
        for file in (HERE / "rota").rglob("*")
        if file.is_file() and not {"migrations", "__pycache__"} & set(file.parts)
    }
    assert files | {"pyproject.toml"} == set(blocks())


def test_the_plugin_uses_every_field_of_the_door() -> None:
    from portal.plugins.shape import CONTRIBUTIONS

    text = (HERE / "rota" / "plugin.py").read_text(encoding="utf-8")
    unused = {field for field in CONTRIBUTIONS if f"    {field}=" not in text}
    # A slot is offered by those who have pages worth filling; the portal's own plugins show how.
    assert unused == {"slots"}
