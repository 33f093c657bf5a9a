"""Trainings of every kind of steps, killed at a checkpoint and resumed, end with the weights, scores and files of uninterrupted ones."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.training.resume import difference, fingerprint
from tests.cases.segment_files import fill

ROOT = Path(__file__).resolve().parents[2]
EVERY = {"train.checkpoint_minutes": 0, "export.formats": '["tflite"]', "export.variants": '["fp32"]', "export.max_metric_drop": 1.0}
CASES = {
    "alternating least squares": ("recommend", {"model.name": "ials", "model.regularization": 20.0, "train.epochs": 60}),
    "Gibbs sampling": ("recommend", {"data.source": "stars", "train.epochs": 120}),
    "SVD++": ("recommend", {"data.source": "stars", "model.name": "svdpp", "train.epochs": 60, "train.patience": 0}),
    "a net of users and items": ("recommend", {"model.name": "two_tower", "train.epochs": 6}),
    "U-Net": ("segment", {"model.width": 0.5, "model.depth": 2, "train.epochs": 4}),
    "windows, then whole images": ("segment", {"data.source": "FOLDER", "model.weights": "embedded", "train.epochs": 4}),
    "two nets on images": ("generate", {"model.width": 8, "train.epochs": 8, "train.batch_size": 128}),
    "two nets on rows": ("generate", {"data.source": "wine", "model.name": "row_gan", "model.width": 32, "train.epochs": 60}),
    "a column after the other": ("generate", {"data.source": "wine", "train.epochs": 40}),
}


def start(task: str, settings: dict, out: Path, *more: str) -> subprocess.Popen:
    sets = [text for key, value in {**EVERY, **settings}.items() for text in ("--set", f"{key}={value}")]
    environment = {**os.environ, "APPLIED_DL_CACHE": str(out.parents[1] / "cache"), "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "applied_dl", "train", task, "--out", str(out), *sets, *more]
    with open(out.parent / f"{out.name}.log", "ab") as log:
        return subprocess.Popen(words, env=environment, cwd=out.parent, stdout=log, stderr=log)


def log_of(out: Path) -> str:
    return (out.parent / "bundle.log").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_killed_and_resumed(name, tmp_path):
    task, settings = CASES[name]
    if settings.get("data.source") == "FOLDER":
        settings = {**settings, "data.source": str(fill(tmp_path / "scenes", 24, size=(160, 160)))}
    whole, killed = tmp_path / "whole" / "bundle", tmp_path / "killed" / "bundle"  # the name is in the metadata of the files
    for out in (whole, killed):
        out.parent.mkdir()
    assert start(task, settings, whole).wait(300) == 0, log_of(whole)[-2000:]
    process = start(task, settings, killed)
    while process.poll() is None and not any((killed.parent / ".bundle.run").rglob("epoch-*/state.json")):
        time.sleep(0.0005)
    assert process.poll() is None, "it ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not killed.exists()
    assert start(task, settings, killed, "--resume").wait(300) == 0, log_of(killed)[-2000:]
    assert "were done" in log_of(killed)
    assert difference(fingerprint(whole), fingerprint(killed)) == []
