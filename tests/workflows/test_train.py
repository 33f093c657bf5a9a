"""Trainings that are interrupted, cannot be written, or are stopped by hand."""

import csv
import re
from pathlib import Path

import pytest

import applied_dl
from applied_dl.core import bundle_writing
from applied_dl.core.errors import RefusedError, UsageError


def test_an_interrupted_training_is_resumed_or_reported_and_never_deleted_by_accident(tmp_path, monkeypatch, capsys):
    from applied_dl.training.session import Session

    write = Session.checkpoint
    quick = {"out": tmp_path / "b", "train": {"epochs": 3, "checkpoint_minutes": 0}, "model": {"name": "mlp", "hidden": [16]}}

    def killed(self):
        write(self)
        if self.loop.done == 2:
            raise RuntimeError("killed")

    monkeypatch.setattr(Session, "checkpoint", killed)
    with pytest.raises(RuntimeError):
        applied_dl.train("image", **quick)
    monkeypatch.setattr(Session, "checkpoint", write)
    with pytest.raises(UsageError, match="after epoch [12].*--resume to continue"):
        applied_dl.train("image", **quick)
    with pytest.raises(RefusedError, match=r"another model\.hidden"):
        applied_dl.train("image", resume=True, **{**quick, "model": {"name": "mlp", "hidden": [24]}})
    with pytest.raises(UsageError, match=r"with another model\.hidden was interrupted.*another --out"):
        applied_dl.train("image", **{**quick, "model": {"name": "mlp", "hidden": [24]}})
    export = {"export": {"formats": ["tflite"], "variants": ["fp32"]}}  # of the exports a resume may change its mind
    done = applied_dl.train("image", resume=True, **quick, **export)
    assert len(list(csv.DictReader((done.bundle / "history.csv").open()))) == 3
    assert not list(tmp_path.glob(".*"))
    capsys.readouterr()
    before = (done.bundle / "history.csv").stat().st_mtime_ns
    again = applied_dl.train("image", resume=True, overwrite=True, **quick, **export)
    assert "there is no interrupted training" in capsys.readouterr().err
    assert (again.bundle / "history.csv").stat().st_mtime_ns > before


def test_ctrl_c_before_the_first_checkpoint_leaves_nothing(tmp_path, monkeypatch):
    from applied_dl.training.session import Session

    def interrupted(self, row):
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "record", interrupted)
    (tmp_path / ".b.writing-abcdefgh.tmp").mkdir()  # of a process that was killed
    with pytest.raises(KeyboardInterrupt):
        applied_dl.train("image", out=tmp_path / "b", train={"epochs": 3, "time_limit": "5 min"}, model={"name": "mlp", "hidden": [16]})
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_cannot_be_written_is_found_out_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        applied_dl.train("image", out=tmp_path / "file" / "b")


def test_ctrl_c_is_reported_in_the_bundle(tmp_path):
    import keras

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    export = {"formats": ["tflite"], "variants": ["fp32"]}
    done = applied_dl.train(
        "image", out=tmp_path / "b", train={"epochs": 3}, model={"name": "mlp", "hidden": [16]}, export=export, callbacks=[Interrupt()]
    )
    assert any("stopped by hand after epoch 1" in text for text in done.manifest.warnings)
    assert "stopped by hand" in (done.bundle / "README.md").read_text()


def test_saved_classes_have_names_of_their_own():
    """Keras loads a saved layer by its registered name: two classes of one name would be taken for each other."""
    source = "".join(path.read_text(encoding="utf-8") for path in (Path(applied_dl.__file__).parent).rglob("*.py"))
    names = re.findall(r'register_keras_serializable\(package="applied_dl"\)\nclass (\w+)', source)
    assert len(names) > 10
    assert [name for name in set(names) if names.count(name) > 1] == []


def test_a_section_that_is_no_dict_is_refused():
    with pytest.raises(UsageError, match=r"train=\{'epochs': 3\}"):
        applied_dl.train("image", train="many")


def _table(path, rows=300):
    """A table whose target is the sum of two columns."""
    import numpy as np
    import polars as pl

    x = np.random.default_rng(0).normal(size=(rows, 2))
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] + x[:, 1]}).write_csv(path)
    return {"source": str(path), "target": "y"}


SMALL = {"model": {"name": "mlp"}, "export": {"formats": ["tflite"], "variants": ["fp32"]}}


def test_resuming_a_complete_bundle_does_nothing_and_succeeds(tmp_path, capsys):
    given = {"data": _table(tmp_path / "t.csv"), "out": tmp_path / "b", **SMALL}
    first = applied_dl.train("tabular", train={"epochs": 3, "log": "tensorboard"}, **given)
    before = {path: path.stat().st_mtime_ns for path in first.bundle.rglob("*")}
    again = applied_dl.train("tabular", resume=True, train={"epochs": 3}, **given)  # `log` may change
    assert "is complete" in capsys.readouterr().err
    assert again.metrics == first.metrics
    assert {path: path.stat().st_mtime_ns for path in first.bundle.rglob("*")} == before
    checkpoints = tmp_path / ".b.run" / "checkpoints"  # of a process that trains it anew
    checkpoints.mkdir(parents=True)
    if bundle_writing.fcntl is not None:
        with bundle_writing.only_one(checkpoints.parent, first.bundle), pytest.raises(UsageError, match="Another process is training"):
            applied_dl.train("tabular", resume=True, train={"epochs": 3}, **given)
        assert checkpoints.exists()
    applied_dl.train("tabular", resume=True, train={"epochs": 3}, **given)
    assert not checkpoints.exists()
    with pytest.raises(UsageError, match=r"was trained with another train\.epochs: choose another --out"):
        applied_dl.train("tabular", resume=True, train={"epochs": 4}, **given)
    _table(tmp_path / "t.csv", rows=290)
    with pytest.raises(UsageError, match="was trained with another .*data"):
        applied_dl.train("tabular", resume=True, train={"epochs": 3}, **given)


def test_callbacks_see_every_epoch_and_can_end_the_training(tmp_path):
    import keras

    class Stop(keras.callbacks.Callback):
        seen: list = []

        def on_epoch_end(self, epoch, logs=None):
            self.seen.append(logs["val_score"])
            self.model.stop_training = epoch == 1

    given = {"data": _table(tmp_path / "t.csv"), "out": tmp_path / "b", **SMALL}
    done = applied_dl.train("tabular", train={"epochs": 6}, callbacks=[Stop()], **given)
    assert len(Stop.seen) == 2
    assert len(list(csv.DictReader((done.bundle / "history.csv").open()))) == 2


def test_the_history_is_written_for_tensorboard_as_it_grows(tmp_path):
    import tensorflow as tf

    from applied_dl.core.records import History
    from applied_dl.training.logs import epoch_logger

    (log,) = epoch_logger("tensorboard", tmp_path, "run")
    history = History(rows=[{"epoch": 1, "loss": 0.5}])
    log("member0", history)
    history.rows.append({"epoch": 2, "loss": 0.25})
    log("member0", history)
    events = [e for path in (tmp_path / "member0").iterdir() for e in tf.compat.v1.train.summary_iterator(str(path))]
    found = [(e.step, v.tag, float(tf.make_ndarray(v.tensor))) for e in events for v in e.summary.value]
    assert found == [(1, "loss", 0.5), (2, "loss", 0.25)]
    assert {v.metadata.plugin_data.plugin_name for e in events for v in e.summary.value} == {"scalars"}
    assert epoch_logger(None, tmp_path, "run") == ()


def test_mlflow_that_is_not_installed_is_one_sentence(tmp_path):
    from importlib.util import find_spec

    from applied_dl.training.logs import epoch_logger

    if find_spec("mlflow"):
        pytest.skip("MLflow is installed")
    with pytest.raises(UsageError, match="pip install mlflow"):
        epoch_logger("mlflow", tmp_path, "run")


@pytest.mark.parametrize(
    ("metrics", "baselines", "word"),
    [
        ({"accuracy": 0.0}, {"commonest class": {"accuracy": 0.4}}, "Not one test row"),
        ({"accuracy": 0.0}, {"commonest class": {"accuracy": 0.0}}, None),
        ({"accuracy": 0.1}, {"commonest class": {"accuracy": 0.4}}, None),
        ({"r2": -0.2}, {"mean": {"r2": -0.01}, "trees": {"r2": 0.7}}, "baseline 'trees'"),
        ({"r2": -0.2}, {"mean": {"r2": -0.01}}, None),
        ({"mase": 1.2}, {"seasonal naive": {"mase": 0.9}}, None),
    ],
)
def test_a_worthless_model_is_refused_after_its_bundle_is_written(metrics, baselines, word):
    from applied_dl.workflows.bundle_content import why_worthless

    why = why_worthless(metrics, baselines)
    assert (why is None) == (word is None)
    assert why is None or word in why


@pytest.mark.parametrize("task", ["tabular", "forecast", "image"])
def test_intervals_that_hold_too_few_test_values_are_reported(task):
    from applied_dl.core.records import Scores
    from applied_dl.workflows.bundle_content import _narrow
    from applied_dl.workflows.recipes import resolve

    def reported(found, interval, **keys):
        recipe = resolve({"task": task, **keys})
        return _narrow(recipe, Scores(main="rmse", metrics={"rmse": 1.0, "coverage": found}, intervals={"coverage": interval}))

    assert "80.0% of the test values and not the 90%" in reported(0.8, (0.75, 0.84))[0]
    assert reported(0.8, (0.5, 0.95)) == []  # few rows say little
    assert reported(0.86, (0.85, 0.87)) == []
    assert reported(0.8, (0.75, 0.84), calibration={"coverage": 0.8}) == []
