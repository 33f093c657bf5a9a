"""python -m benchmarks.runtime.startup: CPU-seconds and peak memory of `--help`, of `predict` on one image and of `import applied_dl`.

Each runs in a process of its own, nine times; the figure is the median. A digits bundle is trained first.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.runner import ROOT, Row, write

TIMES = 9
MEASURE = """
import resource, runpy, sys
sys.argv = ["applied-dl", *sys.argv[1:]]
try:
    runpy.run_module("applied_dl", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
used = resource.getrusage(resource.RUSAGE_SELF)
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("MEASURED", used.ru_utime + used.ru_stime, peak / 1024)
"""
GOALS = {"help": (0.1, None), "predict": (0.7, 150)}  # CPU-seconds, MB


def summary(found: dict) -> list[Row]:
    """Against the goals."""
    rows = []
    for name, (seconds, memory) in GOALS.items():
        one = found[name]
        measured = f"{one['cpu_seconds']:.2f} s CPU, {one['megabytes']:.0f} MB"
        goal = f"≤ {seconds} s" + (f", ≤ {memory} MB" if memory else "")
        met = one["cpu_seconds"] <= seconds and (memory is None or one["megabytes"] <= memory)
        rows.append(Row({"help": "`applied-dl --help`", "predict": "`applied-dl predict`, one image"}[name], measured, goal, met))
    return rows


def measure(arguments: list[str]) -> dict:
    """Median CPU-seconds (system and user) and peak memory of a fresh process."""
    found = []
    for _ in range(TIMES):
        done = subprocess.run([sys.executable, "-c", MEASURE, *arguments], capture_output=True, text=True, cwd=ROOT, env={**os.environ})
        line = next(text for text in done.stdout.splitlines() if text.startswith("MEASURED"))
        found.append(tuple(float(number) for number in line.split()[1:]))
    seconds, peaks = (sorted(values) for values in zip(*found))
    return {"cpu_seconds": round(seconds[TIMES // 2], 3), "megabytes": round(peaks[TIMES // 2], 1), "runs": TIMES}


def main() -> None:
    import applied_dl

    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "digits"
        applied_dl.train("image", out=bundle, train={"epochs": 2}, export={"formats": ["tflite"]})
        image = str(ROOT / "docs" / "images" / "digit_3.png")
        write("runtime_startup", {"help": measure(["--help"]), "predict": measure(["predict", str(bundle), image])})


if __name__ == "__main__":
    main()
