"""The wheel without extras, in an empty environment, predicts from a bundle of every task."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    """A fresh environment with the wheel of this checkout's last commit and what it depends on, nothing else."""
    folder = tmp_path_factory.mktemp("light")
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder / "source")], check=True)  # setuptools writes beside the sources
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder / "dist", folder / "source"], check=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    subprocess.run([python, "-m", "pip", "install", "-q", wheel], check=True)
    return folder / "env" / "bin"


def example(task: str, bundle: Path, folder: Path) -> str:
    """Something to predict from, as a command line takes it."""
    if task == "image":
        return str(ROOT / "docs" / "images" / "digit_3.png")
    if task == "tabular":
        encoder = json.loads((bundle / "encoder.json").read_text())
        return json.dumps({column["name"]: column["low"] for column in encoder["columns"]})
    if task == "forecast":
        return str(ROOT / "applied_dl" / "datasets" / "co2.csv")
    return "the river"


@pytest.mark.slow
@pytest.mark.parametrize("task", ["image", "tabular", "forecast", "words", "sentences"])
def test_the_light_wheel_predicts_without_tensorflow(task, light, trained, tmp_path):
    bundle = trained(task).bundle
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [light / "applied-dl", "predict", str(bundle), example(task, bundle, tmp_path), "--json"]
    answered = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert answered.returncode == 0, answered.stderr
    (answer,) = json.loads(answered.stdout)["predictions"]
    assert "error" not in answer
    for verb in ("check", "info", "bench"):
        subprocess.run([light / "applied-dl", verb, str(bundle), "--json"], check=True, capture_output=True, env=environment, cwd=tmp_path)
    subprocess.run(
        [light / "applied-dl", "freeze", str(bundle), "m.tflite"], check=True, capture_output=True, env=environment, cwd=tmp_path
    )
    absent = subprocess.run([light / "python", "-c", "import tensorflow"], capture_output=True, env=environment, cwd=tmp_path)
    assert absent.returncode != 0
