"""Shared by every benchmark: paths, a description of the machine, environments for other libraries, one JSON file per benchmark.

A benchmark is a module `benchmarks/<folder>/<name>.py`, run as `python -m benchmarks.<folder>.<name>`. The first line of its docstring is
its title. It writes `benchmarks/results/<folder>_<name>.json` with `write`. `summary(found) -> list[Row]` states each goal and what was
measured; an optional `details(found) -> list[str]` returns the lines of a longer table. Both read only the JSON, and `benchmarks/table.py`
writes docs/results.md and the README's table from them.
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
SHARED = ROOT.parent / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
PEERS = ROOT / ".peers"
PACKAGES = ("keras", "tensorflow", "ai-edge-litert", "numpy", "scikit-learn")
# 97.5% quantiles of Student's t, by number of seeds
STUDENT_T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262, 20: 2.093}


class Row(NamedTuple):
    """One line of a results table; `met` is None where no goal was set or too few runs were made to decide."""

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None
    compared: str = ""


def machine() -> dict:
    """Date, processor and versions: what the figures of this run depend on."""
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
    """Write `benchmarks/results/<name>.json` with the machine added, and print it."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({**found, "machine": machine()}, indent=1, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def read(name: str) -> dict | None:
    """The result that `write` stored, or None."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def peer(name: str, *packages: str) -> Path:
    """Path to the Python of a separate environment `.peers/<name>` with `packages`, created when it does not exist."""
    folder = PEERS / name
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
    """Run `code` once per seed in a new process; it prints RESULT and a JSON object. Every finished run is stored at once."""
    found: dict = {"runs": []}
    for seed in seeds:
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", code, str(seed)], capture_output=True, text=True, env=environment, cwd=ROOT)
        line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
        if line is None:
            sys.exit(f"training failed: {done.stderr.strip()[-600:]}")
        found["runs"].append(json.loads(line.removeprefix("RESULT")))
        print(seed, found["runs"][-1], file=sys.stderr, flush=True)
        write(name, found)


def result_of(out: str, errors: str) -> dict:
    """What a measured process printed after `RESULT`; ends this one with the last of its errors where it printed nothing."""
    line = next((line for line in out.splitlines() if line.startswith("RESULT")), None)
    if line is None:
        sys.exit(f"the run failed: {errors.strip()[-600:]}")
    return json.loads(line.removeprefix("RESULT"))


def seconds_of(act, times: int) -> list[float]:
    """Seconds of each of `times` calls, including the time until the returned numbers are computed."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        [float(value) for value in act()]
        found.append(time.perf_counter() - start)
    return found


def mean_interval(values) -> tuple[float, float, float]:
    """Mean over seeds with its 95% confidence interval (Student's t)."""
    n = len(values)
    mean = sum(values) / n
    if n < 2:
        return mean, float("nan"), float("nan")
    half = STUDENT_T.get(n, 1.96) * (sum((v - mean) ** 2 for v in values) / (n - 1) / n) ** 0.5
    return mean, mean - half, mean + half


def format_mean(values, digits: int = 4) -> str:
    """`0.9441 [0.9418, 0.9464], 3 seeds`."""
    mean, low, high = mean_interval(values)
    shown = f" [{low:.{digits}f}, {high:.{digits}f}]" if low == low else ""
    return f"{mean:.{digits}f}{shown}, {len(values)} {'seeds' if len(values) > 1 else 'seed'}"


def seeds_argument(default: int) -> list[int]:
    """The seeds named on the command line: how many (`3`) or which ones (`1,2`)."""
    text = sys.argv[1] if len(sys.argv) > 1 else str(default)
    return [int(seed) for seed in text.split(",") if seed] if "," in text else list(range(int(text)))
