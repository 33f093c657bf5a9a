"""The runtime of a page: three files of the npm package `@litertjs/core`, packed into it or fetched from a pinned address."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

from applied_dl.core.errors import UsageError

PACKAGE, VERSION = "@litertjs/core", "2.5.3"  # the version that every page was tested with
ADDRESS = f"https://cdn.jsdelivr.net/npm/{PACKAGE}@{VERSION}/"
FILES = {  # part → path in the package, and the hash of VERSION; "compat": without relaxed SIMD, threads and JSPI, so that it runs anywhere
    "core": ("dist/index.js", "sha384-MapSVJ/DPwvaWpp7q+Bid9O3uY1oB0KOU1QRMP+Mm5zdz5oMme/BUyX6dVAMWnPg"),
    "glue": ("wasm/litert_wasm_compat_internal.js", "sha384-oh4nb8zDq6eVOpGeZE5gwDOJ16QujHLL8k/HEXt3XiPxr+8zn3YnkXP8P3BlJET1"),
    "wasm": ("wasm/litert_wasm_compat_internal.wasm", "sha384-glAZ6WjS7tLRt89pbTPXvLC1c7DCaVSfL2ngn5gZJiUuPs76fWYJy7ZeFaD0PJXx"),
}


def packed(content: bytes) -> str:
    """Bytes as they stand in a page: gzipped, in base64."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def runtime_parts(folder: str | Path | None) -> tuple[dict[str, str], dict[str, Any]]:
    """The runtime as the page holds it.

    Args:
        folder: the npm package, `node_modules` or the folder that holds it; None for the pinned address.

    Returns:
        The packed files by part (none where the browser fetches them), and what the page has to know: `version`, `address` and `files`.

    Raises:
        UsageError: the folder does not hold the package.
    """
    if folder is None:
        files = {part: {"path": path, "integrity": digest} for part, (path, digest) in FILES.items()}
        return {}, {"version": VERSION, "address": ADDRESS, "files": files}
    home = _package(Path(folder))
    version = str(_described(home).get("version", "of an unknown version"))
    missing = [path for path, _ in FILES.values() if not (home / path).is_file()]
    if missing:
        raise UsageError(f"{str(home)!r} ({PACKAGE} {version}) lacks {missing[0]!r}; install version {VERSION} of it.")
    return {part: packed((home / path).read_bytes()) for part, (path, _) in FILES.items()}, {"version": version, "address": "", "files": {}}


def _package(folder: Path) -> Path:
    for home in (folder, folder / PACKAGE, folder / "core", folder / "node_modules" / PACKAGE):
        if _described(home).get("name") == PACKAGE:
            return home
    raise UsageError(
        f"--runtime {str(folder)!r} does not hold the npm package {PACKAGE}; write it there with `npm install {PACKAGE}@{VERSION}`, "
        "or leave --runtime out: the page then fetches it when it is opened."
    )


def _described(home: Path) -> dict[str, Any]:
    """What a package states of itself; empty where there is none."""
    try:
        found = json.loads((home / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
