"""python -m benchmarks.training.resume [TRIALS]: kill -9 in every phase of a training, then `train --resume`"""

import csv
import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

from benchmarks.runner import ROOT, Row, write

PHASES = ("start", "cache", "epoch", "checkpoint", "export")
LONGEST = 300.0  # seconds of one training
EVERY = {"train.checkpoint_minutes": 0, "train.patience": 28, "train.ensemble": 2, "export.variants": '["fp32", "int8"]'}
SETTINGS = {
    "image": {**EVERY, "train.epochs": 30, "model.dropout": 0.3, "train.ema": 0.95},
    "tabular": {**EVERY, "train.epochs": 400, "model.name": "mlp", "model.dropout": 0.3, "train.swa": 0.3, "train.schedule": "constant",
                "data.target": "target", "train.patience": 0},
}  # fmt: skip


def summary(found: dict) -> list[Row]:
    """Trials that ended with the same bits."""
    same, trials = found["identical"], found["trials"]
    beside = ", ".join(f"{phase} {row['identical']}/{row['trials']}" for phase, row in found["phases"].items())
    return [Row("kill -9, then --resume: same weights, metrics, files", f"{same} of {trials}", "20 of 20", same == trials >= 20, beside)]


def digit_folders(folder: Path) -> Path:
    """900 of scikit-learn's digits as PNG files, so that there is something to decode and to cache."""
    from PIL import Image
    from sklearn.datasets import load_digits

    data = load_digits()
    for i, (image, label) in enumerate(zip(data.images[:900], data.target)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 15.9).astype(np.uint8)).resize((16, 16)).save(folder / str(label) / f"{i}.png")
    return folder


def table(file: Path) -> Path:
    """Four thousand rows of numbers and a category, with a target computed from them."""
    import polars as pl

    random = np.random.default_rng(0)
    x, kind = random.normal(size=(4000, 5)), random.integers(0, 4, 4000)
    target = np.sin(x[:, 0] * 2) + x[:, 1] * (kind - 1.5) + 0.1 * random.normal(size=4000)
    pl.DataFrame({**{f"x{i}": x[:, i] for i in range(5)}, "kind": [f"k{k}" for k in kind], "target": target}).write_csv(file)
    return file


def command(data: Path, out: Path, *more: str) -> list[str]:
    task = "image" if data.is_dir() else "tabular"
    settings = [text for key, value in SETTINGS[task].items() for text in ("--set", f"{key}={value}")]
    return [sys.executable, "-m", "applied_dl", "train", task, "--set", f"data.source={data}", *settings, "--out", str(out), *more]


def start(data: Path, out: Path, cache: Path, *more: str) -> subprocess.Popen:
    environment = {**os.environ, "APPLIED_DL_CACHE": str(cache), "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    log = open(out.parent / f"{out.name}.log", "ab")  # noqa: SIM115
    return subprocess.Popen(command(data, out, *more), env=environment, cwd=out.parent, stdout=log, stderr=log)


def fingerprint(bundle: Path) -> dict:
    """What must be equal: every weight, the metrics, the curves and every TFLite file."""
    import h5py

    with zipfile.ZipFile(bundle / "model.keras") as packed:
        file = h5py.File(io.BytesIO(packed.read("model.weights.h5")))
    weights = hashlib.sha256()

    def take(name, item):
        if isinstance(item, h5py.Dataset):
            weights.update(name.encode() + np.asarray(item).tobytes())

    file.visititems(take)
    manifest = json.loads((bundle / "bundle.json").read_text())
    with (bundle / "history.csv").open(encoding="utf-8") as file:
        curves = [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]
    found = {"weights": weights.hexdigest(), "metrics": manifest["metrics"], "curves": curves}
    return found | {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(bundle.glob("*.tflite"))}


def reached(phase: str, out: Path, cache: Path, began: float) -> bool:
    """Whether the training is in the phase in which it will be killed."""
    run = out.parent / f".{out.name}.run"
    if phase == "start":
        return time.time() - began > 0.5
    if phase == "cache":
        return any(cache.rglob("*"))
    if phase == "epoch":
        return any(run.rglob("epoch-*"))
    if phase == "checkpoint":
        return any(run.rglob(".writing-*"))
    return any(path.is_dir() and path != run and path.name.startswith(f".{out.name}") for path in out.parent.iterdir())


def trial(phase: str, data: Path, folder: Path, seed: int, kills: int) -> dict:
    """Kill `kills` times, resume, compare."""
    choose, out, cache = random.Random(seed), folder / "bundle", folder / "cache"
    folder.mkdir()
    cache.mkdir()
    moments = []
    for i in range(kills):
        began = time.time()
        process = start(data, out, cache, *(["--resume"] if i else []))
        while process.poll() is None and not reached(phase, out, cache, began):
            time.sleep(0.0005)
        time.sleep({"start": choose.uniform(0, 6), "cache": choose.uniform(0, 0.3), "epoch": choose.uniform(0, 4),
                    "checkpoint": choose.uniform(0, 0.004), "export": choose.uniform(0, 6)}[phase])  # fmt: skip
        alive = process.poll() is None
        if alive:
            process.send_signal(signal.SIGKILL)
        process.wait()
        moments.append({"seconds": round(time.time() - began, 2), "killed": alive})
    code = 0 if out.exists() else start(data, out, cache, "--resume").wait(LONGEST)
    return {"phase": phase, "seed": seed, "kills": moments, "exit": code, "found": fingerprint(out) if out.exists() else None}


def difference(expected: dict, found: dict | None) -> list[str]:
    """What differs, and for the curves which numbers."""
    if found is None:
        return ["no bundle"]
    keys = [key for key in {**expected, **found} if found.get(key) != expected.get(key)]
    pairs = zip(expected["curves"], found["curves"])
    cells = [f"epoch {a['epoch']} {key}: {a[key]} {b.get(key)}" for a, b in pairs for key in a if a[key] != b.get(key)]
    return keys + cells[:4]


def trials(data: Path, place: Path, phases: tuple[str, ...], count: int) -> list[dict]:
    """An uninterrupted training, then as many that are killed, phase after phase."""
    whole = place / "whole"
    (whole / "cache").mkdir(parents=True)
    began = time.time()
    assert start(data, whole / "bundle", whole / "cache").wait(LONGEST) == 0, (whole / "bundle.log").read_text()[-2000:]
    expected = fingerprint(whole / "bundle")
    print(f"uninterrupted: {time.time() - began:.0f} s, {len(expected['curves'])} epochs", file=sys.stderr, flush=True)
    rows = []
    for i in range(count):
        row = trial(phases[i % len(phases)], data, place / f"trial{i}", i, 1 + i % 2)
        found = row.pop("found")
        rows.append({"data": data.name, **row, "identical": found == expected, "different": difference(expected, found)})
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        rows = trials(digit_folders(place / "digits"), place / "image", PHASES, count)
        uncached = tuple(phase for phase in PHASES if phase != "cache")  # a table is read whole each time
        rows += trials(table(place / "table.csv"), place / "tabular", uncached, -(-count * len(uncached) // (2 * len(PHASES))))
    by_phase = {phase: [row["identical"] for row in rows if row["phase"] == phase] for phase in PHASES}
    write("training_resume", {
        "trials": len(rows),
        "identical": sum(row["identical"] for row in rows),
        "killed": sum(kill["killed"] for row in rows for kill in row["kills"]),
        "settings": SETTINGS,
        "phases": {phase: {"trials": len(found), "identical": sum(found)} for phase, found in by_phase.items()},
        "rows": rows,
    })  # fmt: skip


if __name__ == "__main__":
    main()
