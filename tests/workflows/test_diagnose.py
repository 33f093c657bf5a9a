"""The doctor on bundles of every task, with their data and without."""

import json
import shutil

import pytest

import applied_dl
from applied_dl import cli
from applied_dl.tasks import TASKS
from applied_dl.training.diagnostics import check_activations
from applied_dl.workflows.diagnose import doctor_bundle
from tests import every_builder


@pytest.mark.parametrize("task", TASKS)
def test_a_bundle_of_every_task_is_examined(task, trained, capsys):
    code = cli.main(["doctor", str(trained(task).bundle), "--json", "--quiet"])
    report = json.loads(capsys.readouterr().out)
    assert report["task"] == task
    assert report["examined"] == ["data", "curves", "bundle"]
    assert code == (1 if report["findings"] else 0)


def test_a_bundle_whose_data_is_gone_is_examined_on_its_golden_examples(tmp_path):
    import numpy as np
    import polars as pl

    x = np.random.default_rng(0).normal(size=(200, 2))
    table = tmp_path / "table.csv"
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] + 0.1 * x[:, 1]}).write_csv(table)
    small = {"model": {"name": "linear"}, "train": {"epochs": 2}, "export": {"formats": ["tflite"], "variants": ["fp32"]}}
    done = applied_dl.train("tabular", data={"source": str(table), "target": "y"}, out=tmp_path / "bundle", **small)
    shutil.move(table, tmp_path / "elsewhere.csv")
    report = doctor_bundle(done.bundle)
    assert report["examined"] == ["curves", "bundle"]
    assert "The rows were not examined" in report["note"]


@pytest.mark.slow
def test_the_units_of_every_builder_can_be_examined():
    for name, make in every_builder.models().items():
        model, x, _ = make()
        inputs = x if isinstance(x, dict) else {next(iter(model.input)): x} if isinstance(model.input, dict) else x
        assert isinstance(check_activations(model, inputs, "here"), list), name
