"""python -m benchmarks.image.decode [--images 20000]: photographs decoded into the cache and read from it, with their peak memory.

JPEGs of 256 by 256 pixels are made, and a quarter of them and all are decoded by one process and by as many as there are CPUs, each
time by a fresh command; two commands of one process at once say what the machine can give. All are then prepared as a training does (split,
duplicates, statistics) and read once in random order, in batches, without a net.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.runner import ROOT, Row, result_of, write

NAME = "image_decode"
SIDE, KEPT = 256, 160
START = """
import json, os, resource, sys, threading, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
own = [0]  # megabytes that are no pages of files
def watch():
    while True:
        status = Path("/proc/self/status").read_text() if Path("/proc/self/status").exists() else ""
        own[0] = max(own[0], *(int(line.split()[1]) >> 10 for line in status.splitlines() if line.startswith("RssAnon")), 0)
        time.sleep(0.1)
threading.Thread(target=watch, daemon=True).start()
start = time.perf_counter()
"""
DECODE = """
from applied_dl.vision import cache
from applied_dl.vision.images import ImageForm
first, last, workers, side = (int(word) for word in sys.argv[4:8])
os.cpu_count = lambda: workers
paths = sorted(Path(sys.argv[2]).glob("*/*.jpg"))[first:last]
start = time.perf_counter()
found = cache.decode_all(ImageForm(height=side, width=side, channels=3, reduce_jpeg=False), paths, Path(sys.argv[3]))
assert not found.errors
"""
EPOCH = """
import numpy as np
from applied_dl.tasks import load_task
from applied_dl.training.source import resident
from applied_dl.workflows.recipes import read_recipe
keys = {"source": sys.argv[2], "image_size": [int(sys.argv[4])] * 2}
prepared = load_task("image").prepare(read_recipe({"task": "image", "data": keys, "model": {"name": "small_cnn"}}), Path(sys.argv[3]))
source = resident(prepared.train.inputs, np.asarray(prepared.train.target))
order = np.random.default_rng(0).permutation(source.size)
for first in range(0, source.size, 128):
    source.gather(order[first : first + 128])
"""
END = """
use, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
print("RESULT" + json.dumps({"seconds": round(time.perf_counter() - start, 2), "megabytes": use.ru_maxrss >> 10, "own_megabytes": own[0],
      "worker_megabytes": others.ru_maxrss >> 10, "cpu_seconds": round(sum(one.ru_utime + one.ru_stime for one in (use, others)), 1)}))
"""


def summary(found: dict) -> list[Row]:
    """Images per second, what a second thread adds, and memory."""
    alone, all_cpus, pair = (found[name]["seconds"] for name in ("one", "all", "pair"))
    images, quarter, ratio, limit = found["images"], found["quarter"], alone / all_cpus, alone / pair
    quiet = found["load"] <= found["cores"]  # two threads cannot show what they add where other programs take the cores
    ratio_shown = f"{ratio:.2f} ×" if quiet else f"not measured: load {found['load']:.0f}"
    each = [1000 * found[name]["cpu_seconds"] / images for name in ("all", "one")]
    beside = f"{each[0]:.2f} CPU-ms an image by processes, {each[1]:.2f} by one"
    beside += f"; two commands at once: {limit:.2f} ×" if quiet else ""
    memory = found["all"]["megabytes"] + found["cores"] * found["all"]["worker_megabytes"]
    rows = [
        Row(f"decoding JPEGs of {SIDE} px: {found['cores']} processes over one", ratio_shown, "≥ 1.8 ×", ratio >= 1.8 if quiet else None,
            beside),
        Row(f"decoding {images:,} JPEGs: peak memory", f"{memory} MB, processes included", "≤ 300 MB", memory <= 300,
            f"{images * KEPT * KEPT * 3 / 2**30:.1f} GB of pixels; a quarter of them, kept in memory: {quarter['megabytes']} MB"),
    ]  # fmt: skip
    epoch = found["epoch"]
    what = f"{images:,} images of {KEPT} px, prepared and read for one epoch: peak memory"
    beside = f"without pages of mapped files {epoch['own_megabytes'] / 1024:.2f} GB; {epoch['cpu_seconds']:.0f} CPU-s"
    rows.append(Row(what, f"{epoch['megabytes'] / 1024:.2f} GB", compared=beside))
    return rows


def write_images(folder: Path, count: int) -> None:
    """Blurred shapes with noise, dark and light ones."""
    random = np.random.default_rng(0)
    drawn = [
        Image.fromarray(random.integers(0, 256, (24, 24, 3), dtype=np.uint8)).resize((300, 300), Image.Resampling.BICUBIC)
        for _ in range(32)
    ]
    shapes = [np.asarray(one).astype(np.int16) for one in drawn]
    for kind in ("dark", "light"):
        (folder / kind).mkdir(parents=True)
    for i in range(count):
        x, y = random.integers(0, 300 - SIDE, 2)
        pixels = shapes[i % 32][y : y + SIDE, x : x + SIDE] + random.integers(-12, 13, (SIDE, SIDE, 1)) + (40 if i % 2 else -40)
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / ("light" if i % 2 else "dark") / f"{i:06d}.jpg", quality=90)


def started(code: str, *words) -> subprocess.Popen:
    command = [sys.executable, "-c", START + code + END, str(ROOT), *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen) -> dict:
    out, err = process.communicate()
    return result_of(out, err)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    options = parser.parse_args()
    n, cores = options.images, os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as name:
        images, cache = Path(name) / "images", Path(name) / "cache"
        write_images(images, n)
        found: dict = {"images": n, "cores": cores, "load": os.getloadavg()[0]}
        for key, last, workers in (("one", n, 1), ("quarter", n // 4, cores), ("all", n, cores)):
            found[key] = finished(started(DECODE, images, cache / key, 0, last, workers, KEPT))
            print(key, found[key], file=sys.stderr, flush=True)
        halves = [started(DECODE, images, cache / f"half{i}", i * n // 2, (i + 1) * n // 2, 1, KEPT) for i in range(2)]
        found["pair"] = max((finished(one) for one in halves), key=lambda one: one["seconds"])
        found["epoch"] = finished(started(EPOCH, images, cache, KEPT))
        print("epoch", found["epoch"], file=sys.stderr, flush=True)
    write(NAME, found)


if __name__ == "__main__":
    main()
