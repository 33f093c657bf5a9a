"""Shared by every benchmark: where things lie, what machine this is, rivals in environments of their own, one JSON a benchmark.

A benchmark is a script `benchmarks/<name>.py` with a title as the first line of its docstring. It writes its result with `write(name, …)`
and has `summary(found) -> list[Row]`, what was promised beside what was measured, and where it helps `details(found) -> list[str]`, the
lines of a table; both read the JSON alone. `benchmarks/table.py` makes docs/results.md and README's table of them.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SHARED = ROOT.parent / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
RIVALS = ROOT / ".rivals"
PACKAGES = ("keras", "tensorflow", "ai-edge-litert", "numpy", "scikit-learn")
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262, 20: 2.093}  # 97.5 % points by seeds


class Row(NamedTuple):
    """One promise: what, the figure, the goal, whether it is met (None: no goal was set, or not yet measured), and what it is beside."""

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None
    beside: str = ""


def machine() -> dict:
    """What the figures of this run depend on."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    model = ""
    if Path("/proc/cpuinfo").exists():
        model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": model or platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": found,
    }


def write(name: str, found: dict) -> None:
    """To `benchmarks/results/<name>.json`, with the machine, and to stdout."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({**found, "machine": machine()}, indent=1, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def read(name: str) -> dict | None:
    """What `write` left, or None."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def rival(name: str, *packages: str) -> Path:
    """The Python of a rival's own environment `.rivals/<name>`, made where it is absent: nothing of it enters the project's."""
    folder = RIVALS / name
    python = folder / "bin" / "python"
    if not python.exists():
        if uv := shutil.which("uv"):
            subprocess.run([uv, "venv", "-q", str(folder)], check=True)
            subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *packages], check=True)
        else:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
    return python


def each_seed(name: str, code: str, seeds: list[int]) -> None:
    """Run `code` (it prints RESULT and a JSON object) with each seed in a process of its own; the runs so far are always on disk."""
    found: dict = {"runs": []}
    for seed in seeds:
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", code, str(seed)], capture_output=True, text=True, env=environment, cwd=ROOT)
        line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
        if line is None:
            sys.exit(f"a training did not finish: {done.stderr.strip()[-600:]}")
        found["runs"].append(json.loads(line.removeprefix("RESULT")))
        print(seed, found["runs"][-1], file=sys.stderr, flush=True)
        write(name, found)


def seconds_of(act, times: int) -> list[float]:
    """Seconds of each of `times` calls, until its numbers are there."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        [float(value) for value in act()]
        found.append(time.perf_counter() - start)
    return found


def interval(values) -> tuple[float, float, float]:
    """Mean over seeds and its 95 % interval (Student's t)."""
    n = len(values)
    mean = sum(values) / n
    if n < 2:
        return mean, float("nan"), float("nan")
    half = STUDENT.get(n, 1.96) * (sum((v - mean) ** 2 for v in values) / (n - 1) / n) ** 0.5
    return mean, mean - half, mean + half


def spread(values, digits: int = 4) -> str:
    """`0.9441 [0.9418, 0.9464], 3 seeds`."""
    mean, low, high = interval(values)
    shown = f" [{low:.{digits}f}, {high:.{digits}f}]" if low == low else ""
    return f"{mean:.{digits}f}{shown}, {len(values)} {'seeds' if len(values) > 1 else 'seed'}"


def count(default: int) -> list[int]:
    """The seeds, from the command line: a number of them (`3`), or which (`1,2`)."""
    text = sys.argv[1] if len(sys.argv) > 1 else str(default)
    return [int(seed) for seed in text.split(",") if seed] if "," in text else list(range(int(text)))
