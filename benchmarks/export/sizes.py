"""python -m benchmarks.export.sizes [COUNT [TASKS]]: small random data of many shapes, trained for a moment, exported and verified.

The number of columns, categories, levels, classes, steps, pixels and words is drawn anew for each file: the converter has patterns of its
own for some constants, which come from the data. Every fp32 file must be written and agree with Keras; the other precisions may be refused.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.runner import Row, read, write

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
COUNT = 12  # files of each task
WORDS = "good bad fine slow fast red blue green happy sad ugly über naïve straße cat dog runs sleeps drinks never always".split()  # noqa: SIM905


def summary(found: dict) -> list[Row]:
    """Files of each task whose fp32 file passed."""
    rows = []
    for task, one in found["tasks"].items():
        others = ", ".join(f"{reason} ({count})" for reason, count in one["other precisions"].items())
        rows.append(
            Row(f"{task}: random files whose fp32 file is written and agrees with Keras", f"{one['passed']} of {one['files']}", "all",
                one["passed"] == one["files"], f"other precisions refused: {others or 'none'}")
        )  # fmt: skip
    return rows


def tabular(random: np.random.Generator, folder: Path) -> dict:
    """Numbers with empty cells, categories, and a class or a number to predict; the default model, or the one of large tables."""
    rows, numbers, categories = random.integers(60, 400), random.integers(0, 6), random.integers(0, 5)
    levels = random.integers(2, 13, max(categories, int(numbers == 0)))
    x = np.where(random.random((rows, numbers)) < 0.1, np.nan, random.normal(size=(rows, numbers)) * 10 ** random.uniform(-3, 5, numbers))
    codes = np.stack([random.integers(0, n, rows) for n in levels], axis=1) if len(levels) else np.zeros((rows, 0), int)
    signal = np.nansum(x / 10 ** np.log10(1 + np.nanmax(np.abs(x), axis=0, initial=1)), axis=1) + codes.sum(1) + random.normal(size=rows)
    classes = int(random.integers(0, 6))
    y = [f"c{k}" for k in np.digitize(signal, np.quantile(signal, np.arange(1, classes) / classes))] if classes >= 2 else signal
    names = [*(f"n{i}" for i in range(numbers)), *(f"k{i}" for i in range(len(levels))), "y"]
    lines = [",".join(names)]
    for a, b, c in zip(x, codes, y):
        lines.append(",".join([*("" if np.isnan(v) else f"{v:.5g}" for v in a), *(f"level {v}" for v in b), str(c)]))
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    large = bool(random.random() < 0.5)
    model = {"model": {"name": "tabm"}, "train": {"epochs": 5}} if large else {}
    return {"data": {"source": str(folder / "t.csv"), "target": "y"}, **model}


def forecast(random: np.random.Generator, folder: Path) -> dict:
    """One to three series with a season, by the hour, day or month, sometimes with a column that is known ahead."""
    step = str(random.choice(["h", "D", "M"]))
    count, width = int(random.integers(60, 400)), int(random.integers(1, 4))
    season, known = {"h": 24, "D": 7, "M": 12}[step], bool(random.random() < 0.4)
    start = np.datetime64("2015-01" if step == "M" else "2022-01-03", step)
    times = np.datetime_as_string(start + np.arange(count), "m" if step == "h" else step)
    t = np.arange(count)
    on = (random.random(count) < 0.2).astype(int)
    values = 100 + t[:, None] * random.normal(0, 0.1, width) + 10 * np.sin(2 * np.pi * t / season)[:, None] + 8 * on[:, None]
    values = values * 10 ** random.uniform(-2, 4) + random.normal(size=values.shape)
    names = [f"v{i}" for i in range(width)]
    lines = [",".join(["time", *names, *(["promo"] if known else [])])]
    lines += [",".join([times[i], *(f"{v:.6g}" for v in values[i]), *([str(on[i])] if known else [])]) for i in t]
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    more = {"future_covariates": ["promo"]} if known else {}
    return {"data": {"source": str(folder / "t.csv"), "target": names, "horizon": int(random.integers(1, 13)), **more}}


def image(random: np.random.Generator, folder: Path) -> dict:
    """Grey or coloured images of 9 to 72 pixels in two to six folders; every builder in turn."""
    from PIL import Image

    height, width, classes = *random.integers(9, 73, 2), int(random.integers(2, 7))
    channels = [1, 3][int(random.integers(0, 2))]
    for k in range(classes):
        (folder / "images" / f"c{k}").mkdir(parents=True)
        for i in range(14):
            pixels = np.clip(random.normal(40 + 30 * k, 25, (height, width, 3)), 0, 255).astype(np.uint8)
            made = Image.fromarray(pixels if channels == 3 else pixels[..., 0])
            made.save(folder / "images" / f"c{k}" / f"{i}.png")
    name = str(random.choice(["small_cnn", "resnet", "mobile", "whitened_cnn", "lenet", "mlp"]))
    return {"data": {"source": str(folder / "images")}, "model": {"name": name}, "train": {"epochs": 1}}


def sentences(random: np.random.Generator, folder: Path) -> dict:
    """Texts of one to forty words with two to seven labels."""
    rows, classes = int(random.integers(60, 160)), int(random.integers(2, 8))
    lines = ["text,label"]
    for i in range(rows):
        words = random.choice(WORDS, random.integers(1, 40)).tolist()
        lines.append(" ".join([*words, f"mark{i % classes}"]) + f",l{i % classes}")
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return {"data": {"source": str(folder / "t.csv")}}


MAKERS = {one.__name__: one for one in (tabular, forecast, image, sentences)}


def measure(task: str, count: int) -> dict:
    """Train and export `count` random files of a task."""
    import applied_dl
    from applied_dl.core.errors import AppliedError

    found: dict = {"files": count, "passed": 0, "failed": {}, "other precisions": Counter()}
    for seed in range(count):
        with tempfile.TemporaryDirectory() as folder:
            sections = MAKERS[task](np.random.default_rng(seed), Path(folder))
            try:
                exports = applied_dl.train({"task": task}, out=Path(folder) / "b", **sections).manifest.exports
                files = {item.variant: item for item in exports if item.format == "tflite"}
                refused = files["fp32"].refused
            except AppliedError as error:
                files, refused = {}, str(error)
            except Exception:  # noqa: BLE001  (what is looked for)
                files, refused = {}, traceback.format_exc()[-600:]
        found["other precisions"].update(f"{name}: {item.refused[:60]}" for name, item in files.items() if item.refused and name != "fp32")
        found["passed"] += not refused
        if refused:
            found["failed"][str(seed)] = refused
            print(task, seed, sections, refused, file=sys.stderr, flush=True)
    return {**found, "other precisions": dict(found["other precisions"].most_common(5))}


if __name__ == "__main__":
    from applied_dl.core import console

    console.quiet = True
    wanted = sys.argv[2].split(",") if len(sys.argv) > 2 else list(MAKERS)
    tasks = (read("export_sizes") or {"tasks": {}})["tasks"]
    for name in wanted:
        tasks[name] = measure(name, int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
        write("export_sizes", {"tasks": {key: tasks[key] for key in MAKERS if key in tasks}})
