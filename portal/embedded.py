from pathlib import Path
from typing import Any


def ensure_running(data_dir: Path) -> dict[str, Any]:
    raise NotImplementedError
