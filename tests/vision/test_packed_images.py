"""Parquet files that hold images: their bytes become files once, and numbers of classes their names."""

import io
import json

import numpy as np
import polars as pl
import pytest
from PIL import Image

from applied_dl.core.errors import DataError
from applied_dl.vision.packed_images import packed_frame


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("APPLIED_DL_CACHE", str(tmp_path / "cache"))


def packed(value):
    out = io.BytesIO()
    Image.fromarray(np.full((4, 5, 3), value, np.uint8)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("form", ["struct", "bytes"])
def test_bytes_become_files(form, tmp_path):
    cells = [packed(i) for i in range(3)]
    cells = [{"bytes": one, "path": None} for one in cells] if form == "struct" else cells
    pl.DataFrame({"image": cells, "label": [0, 1, 0]}).write_parquet(tmp_path / "a.parquet")
    frame = packed_frame(tmp_path / "a.parquet")
    assert frame.columns == ["image", "label"]
    assert [np.asarray(Image.open(path))[0, 0, 0] for path in frame["image"]] == [0, 1, 2]
    assert packed_frame(tmp_path / "a.parquet")["image"].to_list() == frame["image"].to_list()


def test_numbers_of_classes_have_their_names(tmp_path):
    features = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    frame = pl.DataFrame({"image": [packed(0), packed(1)], "label": [1, 0]})
    frame.write_parquet(tmp_path / "a.parquet", metadata={"huggingface": json.dumps({"info": {"features": features}})})
    assert packed_frame(tmp_path / "a.parquet")["label"].to_list() == ["dog", "cat"]


def test_other_tables_and_rows_without_an_image(tmp_path):
    pl.DataFrame({"path": ["a.png"], "label": [1]}).write_parquet(tmp_path / "a.parquet")
    assert packed_frame(tmp_path / "a.parquet") is None
    assert packed_frame(tmp_path / "a.csv") is None
    pl.DataFrame({"image": [packed(0), None]}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match="row 2: there is no image"):
        packed_frame(tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"c\.parquet"):
        packed_frame(tmp_path / "c.parquet")
