"""python -m benchmarks.real_tables [FOLDER…] [--tables N]: every CSV read for tabular and for forecast; generated odd tables too.

Each file is read with the default recipe up to the encoded parts, without training: it is ready, refused with a reason, or crashed with a
traceback, which is a bug. By default the CSV files of the benchmarks' own data are read, and 2,000 generated tables
(`benchmarks/tabular/odd_tables.py`), of which `--tables N` states the number.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.runner import SHARED, Row, write
from benchmarks.tabular.odd_tables import write_table

TASKS = ("tabular", "forecast")
GENERATED = 2000  # tables
SHOWN = 20  # crashes and reasons that are kept


def main(arguments: list[str]) -> None:
    """Read all files and write the counts."""
    generated = int(arguments[arguments.index("--tables") + 1]) if "--tables" in arguments else GENERATED
    folders = [Path(text) for i, text in enumerate(arguments) if text != "--tables" and (i == 0 or arguments[i - 1] != "--tables")]
    found: dict = {task: _empty() for task in TASKS} | {"generated": _empty()}
    for path in (path for folder in folders or [SHARED] for path in sorted([*folder.rglob("*.csv"), *folder.rglob("*.csv.gz")])):
        for task in TASKS:
            _count(found[task], path, task)
    for path in _generated(generated):
        _count(found["generated"], path, "tabular")
    for item in found.values():
        item["reasons"] = dict(Counter(item["reasons"]).most_common(SHOWN))
        item["seconds"] = round(item["seconds"], 1)
    write("real_tables", found)


def _empty() -> dict:
    return {"files": 0, "ready": 0, "refused": 0, "crashed": 0, "seconds": 0.0, "reasons": [], "crashes": {}}


def _generated(count: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(count):
            path = write_table(Path(folder), seed)
            yield path
            path.unlink()


def _count(found: dict, path: Path, task: str) -> None:
    start = time.process_time()
    status, reason = prepared(path, task)
    found["seconds"] += time.process_time() - start
    found["files"] += 1
    found[status] += 1
    if status == "refused":
        found["reasons"].append(_general(reason, path))
    if status == "crashed" and len(found["crashes"]) < SHOWN:
        found["crashes"][path.name] = reason


def prepared(path: Path, task: str) -> tuple[str, str]:
    """("ready", ""), ("refused", the sentence) or ("crashed", the end of the traceback)."""
    from applied_dl.core.errors import AppliedError
    from applied_dl.tasks import load_task
    from applied_dl.workflows import recipes

    with contextlib.redirect_stderr(io.StringIO()):
        try:
            recipe = recipes.read_recipe({"task": task, "data": {"source": str(path)}})
            module = load_task(task)
            module.resolve_defaults(recipe, module.prepare(recipe, Path(tempfile.gettempdir())))
        except AppliedError as error:
            return "refused", str(error)
        except Exception:
            return "crashed", traceback.format_exc(limit=-3)
    return "ready", ""


def _general(reason: str, path: Path) -> str:
    """A refusal without the names of the file, so that equal reasons are counted together."""
    return " ".join(reason.replace(str(path), "FILE").split())[:120]


def summary(found: dict) -> list[Row]:
    """No file ends in a traceback."""
    rows = []
    for name, item in found.items():
        if name == "machine" or not item["files"]:
            continue
        measured = f"{item['ready']:,} ready, {item['refused']:,} refused, {item['crashed']:,} crashed, {item['seconds']:.0f} s"
        rows.append(Row(f"{item['files']:,} tables, {name}", measured, "0 crashed", item["crashed"] == 0))
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
