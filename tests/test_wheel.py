"""The wheel without extras, in an empty environment, predicts from a bundle."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import applied_dl

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_light_wheel_predicts_without_tensorflow(tmp_path):
    done = applied_dl.train({"task": "image"}, out=tmp_path / "digits", train={"epochs": 2}, export={"formats": ("tflite",)})
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "light"], check=True)
    python = tmp_path / "light" / "bin" / "python"
    source = tmp_path / "source"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(source)], check=True)  # setuptools writes beside the sources
    subprocess.run([python, "-m", "pip", "install", "-q", str(source)], check=True)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    picture = str(ROOT / "docs" / "images" / "digit_3.png")
    command = [tmp_path / "light" / "bin" / "applied-dl", "predict", str(done.bundle), picture, "--json"]
    answered = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert answered.returncode == 0, answered.stderr
    assert '"label"' in answered.stdout
    absent = subprocess.run([python, "-c", "import tensorflow"], capture_output=True, env=environment, cwd=tmp_path)
    assert absent.returncode != 0
