"""Trainings that are interrupted, cannot be written, or are stopped by hand."""

import csv
import re
from pathlib import Path

import pytest

import applied_dl
from applied_dl.core.errors import RefusedError, UsageError


def test_an_interrupted_training_is_resumed_or_said_and_never_thrown_away_by_accident(tmp_path, monkeypatch, capsys):
    from applied_dl.training.session import Session

    write = Session.checkpoint
    quick = {"out": tmp_path / "b", "train": {"epochs": 3, "checkpoint_minutes": 0}, "model": {"width": 0.25}}

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
    with pytest.raises(RefusedError, match=r"another model\.width"):
        applied_dl.train("image", resume=True, **{**quick, "model": {"width": 0.5}})
    with pytest.raises(UsageError, match=r"with another model\.width was interrupted.*another --out"):
        applied_dl.train("image", **{**quick, "model": {"width": 0.5}})
    export = {"export": {"formats": ["tflite"], "variants": ["fp32"]}}  # of the exports a resume may change its mind
    done = applied_dl.train("image", resume=True, **quick, **export)
    assert len(list(csv.DictReader((done.bundle / "history.csv").open()))) == 3
    assert not list(tmp_path.glob(".*"))
    capsys.readouterr()
    applied_dl.train("image", resume=True, overwrite=True, **{**quick, "train": {"epochs": 1}}, **export)
    assert "there is no interrupted training" in capsys.readouterr().err


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
    done = applied_dl.train("image", out=tmp_path / "b", train={"epochs": 3}, model={"width": 0.25}, export=export, callbacks=[Interrupt()])
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
