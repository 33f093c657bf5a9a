"""A trained bundle scored and exported again."""

import json
import shutil

import numpy as np
import pytest

from applied_dl.core import bundle
from applied_dl.core.errors import DataError, RefusedError, UsageError
from applied_dl.predictor import load
from applied_dl.workflows.evaluate import evaluate
from applied_dl.workflows.export import export as export_again


def test_evaluate_scores_every_file_on_the_held_out_rows(trained):
    done = trained("image")
    found = evaluate(done.bundle)
    chosen = done.manifest.chosen
    assert set(found["metrics"]) == {e.file for e in done.manifest.exports if not e.refused}
    assert found["metrics"][chosen.file]["accuracy"] == pytest.approx(chosen.metric)
    assert found["metrics"]["saved_model"]["accuracy"] == pytest.approx(done.metrics["test"]["accuracy"])


def test_each_score_is_printed_once_and_its_name_explained(trained, capsys):
    from applied_dl import cli

    done = trained("image")
    assert cli.main(["evaluate", str(done.bundle)]) == 0
    shown = capsys.readouterr()
    low, high = done.manifest.intervals["test"]["accuracy"]
    first = f"accuracy {done.metrics['test']['accuracy']:.4g} [{low:.4g}, {high:.4g}]"
    assert [line for line in shown.out.splitlines() if line.startswith("saved_model ") and first in line]
    assert all((shown.out + shown.err).count(f"{file.file} ") == 1 for file in done.manifest.exports if not file.refused)
    assert "ece: how far stated probabilities" in shown.out


def test_export_again_with_fewer_variants(trained, tmp_path):
    copy = shutil.copytree(trained("image").bundle, tmp_path / "again")
    manifest = export_again(copy, formats=("tflite",), variants=("fp16",))
    assert [e.variant for e in manifest.exports] == ["fp16"]
    assert bundle.open_bundle(copy).chosen.variant == "fp16"
    assert not (copy / "saved_model").exists()
    assert load(copy).predict([np.zeros((8, 8), np.uint8)])
    with pytest.raises(UsageError, match="no variant 'int8'"):
        load(copy, variant="int8")


def test_a_bundle_whose_data_changed_is_not_scored_on_it(trained, tmp_path):
    copy = shutil.copytree(trained("image").bundle, tmp_path / "other")
    raw = json.loads((copy / "bundle.json").read_text())
    raw["fingerprint"] = "0" * 64
    raw["digest"] = bundle._digest(raw)
    (copy / "bundle.json").write_text(json.dumps(raw))
    with pytest.raises(RefusedError, match="is not what it was trained on"):
        evaluate(copy)


def test_evaluate_takes_the_test_part_of_a_source_and_names_what_it_cannot_read(trained, tmp_path, capsys):
    from PIL import Image

    for part, count in (("train", 3), ("test", 2)):
        for label in ("1", "2"):
            (tmp_path / part / label).mkdir(parents=True)
            for i in range(count):
                Image.new("L", (8, 8), 30 * i).save(tmp_path / part / label / f"{i}.png")
    (tmp_path / "test" / "2" / "bad.png").write_bytes(b"none")
    with pytest.raises(DataError, match="max_unreadable"):
        evaluate(trained("image").bundle, str(tmp_path))
    (tmp_path / "test" / "2" / "bad.png").unlink()
    found = evaluate(trained("image").bundle, str(tmp_path))
    assert found["rows"] == 4
    assert any("only the test part" in text for text in found["warnings"])
