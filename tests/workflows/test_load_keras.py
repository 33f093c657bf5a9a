"""The Keras model of a bundle is loaded by a process that has built none of its layers."""

import json
import subprocess
import sys

import numpy as np
import pytest

import applied_dl
from applied_dl.tasks import TASKS
from tests import every_builder

PROGRAM = """
import json, sys
from applied_dl.workflows.load_keras import register_layers
import keras
failed = {}
for name, task in json.load(sys.stdin).items():
    register_layers(task)
    try:
        keras.saving.load_model(f"{sys.argv[1]}/{name}.keras", compile=False)
    except Exception as error:
        failed[name] = f"{type(error).__name__}: {error}"[-300:]
print(json.dumps(failed))
"""


@pytest.mark.slow
def test_a_model_of_every_builder_is_loaded(tmp_path):
    tasks = {}
    for name, make in every_builder.models().items():
        model = make()[0]
        kind = name.split()[0]
        model.save(tmp_path / f"{name}.keras")
        tasks[name] = kind if kind in TASKS else "sentences"
    assert len(tasks) > 20
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], input=json.dumps(tasks), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == {}


@pytest.mark.parametrize("task", TASKS)
def test_a_bundle_gives_its_serving_graph(task, trained):
    model = applied_dl.load_keras(trained(task).bundle)
    golden = np.load(trained(task).bundle / "golden.npz")
    inputs = {name.removeprefix("input/"): golden[name] for name in golden.files if name.startswith("input/")}
    outputs = model({name: inputs[name] for name in model.input})
    for name, value in outputs.items():
        assert len(value) == len(next(iter(inputs.values())))
        assert name
    assert trained(task).model.count_params() == model.count_params()
