"""Use the command line as a person does: train and predict in a process of their own, and read what they print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.runner import ROOT

FAST = ("export.formats=['tflite']", "export.variants=['fp32']")  # the model is the default one; only the other files are left out


class Trained(NamedTuple):
    """Exit code, the object that `train --json` printed ({} after an error), and the last line on stderr."""

    code: int
    report: dict
    message: str
    bundle: Path

    def metric(self, name: str) -> float:
        """A metric of the test part; NaN where the training failed or has no such metric."""
        return self.report.get("metrics", {}).get("test", {}).get(name, float("nan"))

    def baseline(self, name: str, metric: str) -> float:
        """A metric of one baseline on the same rows."""
        return self.report["baselines"][name][metric]

    def warnings(self) -> str:
        """All warnings as one text in lower case."""
        return "\n".join(self.report.get("warnings", [])).lower()


class Outcome(NamedTuple):
    """Whether a case is right, and the figures that show it."""

    passed: bool
    measured: str


def train(folder: Path, task: str, *settings: str, bundle: str = "bundle") -> Trained:
    """`applied-dl train TASK --set …` in `folder` with the default recipe; `settings` are `section.key=value`."""
    sets = [part for setting in (*FAST, *settings) for part in ("--set", setting)]
    done = _run(folder, "train", task, *sets, "--out", bundle, "--overwrite", "--json")
    return Trained(done.returncode, _json(done.stdout), _last_line(done.stderr), folder / bundle)


def predict(bundle: Path, *arguments: str) -> list[dict]:
    """The predictions of `applied-dl predict BUNDLE …`, in order; an empty list after an error."""
    done = _run(bundle.parent, "predict", bundle.name, *arguments, "--json")
    return _json(done.stdout).get("predictions", [])


def failed(trained: Trained) -> Outcome:
    """The outcome of a case whose training stopped with an error."""
    return Outcome(False, f"exit {trained.code}: {trained.message[:160]}")


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "applied_dl", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


def _json(text: str) -> dict:
    return json.loads(text) if text.strip().startswith("{") else {}


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
