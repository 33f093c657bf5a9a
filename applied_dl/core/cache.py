"""Where decoded data is kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$APPLIED_DL_CACHE`, or `~/.cache/applied_dl`; created where it is missing."""
    folder = Path(os.environ.get("APPLIED_DL_CACHE") or Path.home() / ".cache" / "applied_dl")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
