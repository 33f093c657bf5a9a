"""`applied-dl page BUNDLE`: one HTML file that predicts in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from applied_dl.core.bundle import read_manifest
from applied_dl.core.errors import UsageError
from applied_dl.page.build import build_page


def write_page(
    bundle: str | Path, target: str | Path | None = None, *, runtime: str | Path | None = None, overwrite: bool = False
) -> dict[str, Any]:
    """Write the page of a bundle.

    Args:
        bundle: a folder written by `train`.
        target: the HTML file; `NAME.html` in the working folder by default, after the bundle's name.
        runtime: the folder of the npm package `@litertjs/core`, which makes a page that needs no network.
        overwrite: whether an existing file is replaced.

    Returns:
        What `--json` prints: `file`, `bytes`, `variant`, `runtime`, `offline`, `examples`, `limits`.

    Raises:
        UsageError: the file exists, or the model cannot run in a page.
    """
    path = Path(target) if target else Path(f"{read_manifest(bundle).name}.html")
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder; name the HTML file to write in it.")
    if path.exists() and not overwrite:
        raise UsageError(f"{str(path)!r} exists already; name another file, or replace it with --overwrite.")
    path.parent.mkdir(parents=True, exist_ok=True)
    return build_page(Path(bundle), path, runtime)
