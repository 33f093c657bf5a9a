"""All builders run forward and backward under every Keras backend that is installed; export needs TensorFlow and is tested elsewhere."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_every_builder_takes_a_step(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed in this environment; benchmarks/training/backends.py makes one of its own")
    environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": ""}
    program = Path(__file__).with_name("every_builder.py")
    done = subprocess.run([sys.executable, str(program)], env=environment, capture_output=True, text=True, timeout=600)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["backend"] == backend
    assert found["builders"] > 30
    assert found["wrong"] == {}
