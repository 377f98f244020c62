"""Builds what the browser needs and no package ships as a file: Vega's script for interactive charts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Build static files that are made on this machine (part of set-up; quick when they are there already)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help="build anew even if the files are there")

    def handle(self, *args: Any, force: bool = False, **options: Any) -> None:
        made = build_vega(Path(settings.ASSETS_DIR) / "portal" / "vega", force=force)
        self.stdout.write("Built the chart script." if made else "The chart script is there already.")


def build_vega(folder: Path, *, force: bool = False) -> bool:
    """Write ``vega.js`` unless the one there is of this version; says whether it did."""
    import vl_convert

    target, stamp = folder / "vega.js", folder / "version"
    version = f"vega {vl_convert.get_vega_version()}, embed {vl_convert.get_vega_embed_version()}"
    if not force and target.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == version:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    draft = folder / ".vega.js"
    # Within a function, so that the bundle's short names do not become global ones.
    draft.write_text(f"(() => {{\n{bundle}\n}})();\n", encoding="utf-8")
    draft.replace(target)
    stamp.write_text(version, encoding="utf-8")
    return True
