"""`applied-dl generate`: files of images, a grid, a walk; tables; the same for the same seed; refusals in one sentence."""

import base64
import io
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from PIL import Image
from sklearn.datasets import load_wine

import applied_dl
from applied_dl import cli
from applied_dl.core.errors import UsageError
from applied_dl.workflows.generate import PADDING, grid


@pytest.fixture(scope="module")
def bundle(trained):
    return trained("generate").bundle


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    from applied_dl.workflows.train import train

    quick = {"export.variants": ["fp32"], "export.formats": ["tflite"], "export.max_metric_drop": 1.0, "train.epochs": 2, "model.width": 16}
    wine = load_wine(as_frame=True).frame[["alcohol", "hue", "proline", "target"]]  # every column makes the graph larger
    return train({"task": "generate", "data": {"source": wine}}, out=tmp_path_factory.mktemp("w") / "wine", overrides=quick).bundle


def test_images_a_grid_and_a_walk(bundle, tmp_path, capsys):
    out = tmp_path / "made"
    assert cli.main(["generate", str(bundle), "--label", "3", "--count", "9", "--seed", "1", "--out", str(out), "--walk", "--quiet"]) == 0
    assert "9 images" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == sorted([*(f"3_{i:04d}.png" for i in range(9)), "grid.png", "walk.gif"])
    again = applied_dl.generate(bundle, label="3", count=9, seed=1)
    with Image.open(out / "3_0004.png") as image:
        np.testing.assert_array_equal(np.asarray(image), again["images"][4, ..., 0])
    with Image.open(out / "walk.gif") as walk:
        assert walk.n_frames > 8


def test_the_first_images_are_the_same_for_every_count(bundle):
    few, many = (applied_dl.generate(bundle, count=count, seed=2)["images"] for count in (5, 100))
    np.testing.assert_allclose(few.astype(int), many[:5].astype(int), atol=1)
    assert not np.array_equal(few, applied_dl.generate(bundle, count=5, seed=3)["images"])


def test_predict_gives_the_same_image(bundle):
    (one,) = applied_dl.load(bundle).predict([{"label": "3", "seed": 1, "number": 4}])
    with Image.open(io.BytesIO(base64.b64decode(one["image"]))) as image:
        made = applied_dl.generate(bundle, label="3", count=5, seed=1)["images"][4, ..., 0]
        assert np.abs(np.asarray(image).astype(int) - made).max() <= 1
    assert one["label"] == "3"


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_rows_as_a_table(rows, tmp_path, suffix):
    target = tmp_path / f"made{suffix}"
    assert cli.main(["generate", str(rows), "--rows", "25", "--out", str(target), "--quiet"]) == 0
    read = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".jsonl": pl.read_ndjson}[suffix](target)
    assert read.shape == (25, 4)
    expected = applied_dl.generate(rows, count=25)["rows"]
    assert read["alcohol"].to_list() == expected["alcohol"].to_list()
    (one,) = applied_dl.load(rows).predict([{"seed": 0, "number": 3}])
    assert one["row"]["alcohol"] == expected["alcohol"][3]


def test_refusals(bundle, rows, trained, tmp_path, capsys):
    for words in (
        ["--label", "x"], ["--count", "0"], ["--seed", "-1"], ["--rows", "5"], ["--rows", "5", "--count", "5"],
    ):  # fmt: skip
        assert cli.main(["generate", str(bundle), "--out", str(tmp_path / "never"), *words]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "never").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for keys in ({"out": tmp_path / "full"}, {"walk": True}):
        with pytest.raises(UsageError):
            applied_dl.generate(bundle, count=1, **keys)
    for keys in ({"label": "3"}, {"walk": True}, {"out": tmp_path / "made.txt"}):
        with pytest.raises(UsageError):
            applied_dl.generate(rows, count=1, **keys)
    with pytest.raises(UsageError, match="of the task 'image'"):
        applied_dl.generate(trained("image").bundle)


def test_no_tensorflow_is_imported(rows, tmp_path):
    code = "import sys, applied_dl; applied_dl.generate(sys.argv[1], count=3); print('tensorflow' in sys.modules or 'keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(rows)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_grid_holds_every_image():
    images = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 6, 3), np.uint8)
    whole = grid(images)
    times = whole.shape[1] // (3 * (6 + PADDING) + PADDING)
    small = whole[::times, ::times]
    assert small.shape == (2 * (4 + PADDING) + PADDING, 3 * (6 + PADDING) + PADDING, 3)
    assert (small[PADDING : PADDING + 4, PADDING : PADDING + 6] == 0).all()
    assert (small[2 * PADDING + 4 : 2 * PADDING + 8, 2 * PADDING + 6 : 2 * PADDING + 12] == 4).all()
