"""Tables and files of pixels are read to the images that were written."""

import gzip
import io
import struct

import numpy as np
import polars as pl
import pytest
from PIL import Image

from applied_dl.core.errors import DataError
from tests.cases.image_files import read, rows

SIDE, ROWS = 9, 60


def digits(seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (ROWS, SIDE, SIDE)), np.arange(ROWS) % 3


def same(data, images, labels):
    """Whether every image has its own label in some part."""
    wanted = {image.astype(np.uint8).tobytes(): str(label) for image, label in zip(images, labels)}
    found = {
        pixels.tobytes(): data.encoder.labels[code]
        for part in data.parts.values()
        for pixels, code in zip(part.inputs["image"], part.target)
    }
    return found == wanted


@pytest.mark.parametrize("form", ["label first", "class last", "other name last", "no header", "no header, last", "1x1", "one cell"])
def test_rows_of_pixels_are_images(form, tmp_path):
    images, labels = digits()
    flat = images.reshape(ROWS, -1).tolist()
    names = [f"{i}x{j}" if form == "1x1" else f"pixel{SIDE * i + j}" for i in range(SIDE) for j in range(SIDE)]
    head, cells = ["label", *names], [[label, *row] for label, row in zip(labels, flat)]
    if form in ("class last", "other name last", "no header, last"):
        head, cells = [*names, "class" if form == "class last" else "Ziffer"], [[*row, label] for label, row in zip(labels, flat)]
    if form == "one cell":
        head, cells = ["emotion", "pixels"], [[label, " ".join(map(str, row))] for label, row in zip(labels, flat)]
    lines = ([] if form.startswith("no header") else [",".join(head)]) + [",".join(map(str, row)) for row in cells]
    (tmp_path / "d.csv").write_text("\n".join(lines))
    data = read(tmp_path, source=tmp_path / "d.csv")
    assert (data.encoder.height, data.encoder.width, data.encoder.channels) == (SIDE, SIDE, 1)
    assert same(data, images, labels)


def test_the_smallest_images_of_eight_by_eight(tmp_path):
    images, labels = digits()
    flat = images[:, :8, :8].reshape(ROWS, 64).tolist()
    head = ",".join(["label", *(f"p{i}" for i in range(64))])
    (tmp_path / "d.csv").write_text("\n".join([head, *(",".join(map(str, [label, *row])) for label, row in zip(labels, flat))]))
    assert same(read(tmp_path, source=tmp_path / "d.csv"), images[:, :8, :8], labels)


@pytest.mark.parametrize(("received", "message"), [("", "is empty"), ("dark", "is 'dark'")])
def test_a_pixel_that_is_no_number_far_down_is_named(received, message, tmp_path):
    images, labels = digits()
    rows_ = [[label, *row] for label, row in zip(labels.tolist(), images.reshape(ROWS, -1).tolist())]
    rows_[-1][5] = received
    head = ["label", *(f"p{i}" for i in range(SIDE * SIDE))]
    (tmp_path / "d.csv").write_text("\n".join(",".join(map(str, row)) for row in [head, *rows_]))
    with pytest.raises(DataError, match=f"row {ROWS}: the pixel 'p4' {message}"):
        read(tmp_path, source=tmp_path / "d.csv")
    cells = [f"{label},{' '.join(map(str, row))}" for label, *row in rows_]
    (tmp_path / "d.csv").write_text("\n".join(["label,pixels", *cells]))
    with pytest.raises(DataError, match=f"row {ROWS}: expected {SIDE * SIDE} whole numbers"):
        read(tmp_path, source=tmp_path / "d.csv")


def test_pixels_that_are_no_square_are_refused(tmp_path):
    images, labels = digits()
    flat = images.reshape(ROWS, -1)[:, :75].tolist()
    head = ",".join(["label", *(f"p{i}" for i in range(75))])
    (tmp_path / "d.csv").write_text("\n".join([head, *(",".join(map(str, [label, *row])) for label, row in zip(labels, flat))]))
    with pytest.raises(DataError, match="75 pixels in each row, which are no square"):
        read(tmp_path, source=tmp_path / "d.csv")


def test_codes_of_classes_with_gaps_are_classes(tmp_path):
    images, _ = digits()
    codes = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13])[np.arange(ROWS) % 12]
    head = ",".join(["label", *(f"p{i}" for i in range(SIDE * SIDE))])
    cells = [",".join(map(str, [code, *row])) for code, row in zip(codes, images.reshape(ROWS, -1).tolist())]
    (tmp_path / "d.csv").write_text("\n".join([head, *cells]))
    assert read(tmp_path, source=tmp_path / "d.csv").encoder.labels == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "10", "11", "13")


def test_a_folder_of_idx_files(tmp_path):
    for name, seed in (("train", 0), ("t10k", 1)):
        images, labels = digits(seed)
        for kind, values in (("images-idx3", images), ("labels-idx1", labels)):
            head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
            (tmp_path / "d").mkdir(exist_ok=True)
            (tmp_path / "d" / f"{name}-{kind}-ubyte.gz").write_bytes(gzip.compress(head + values.astype(np.uint8).tobytes()))
    data = read(tmp_path, source=tmp_path / "d")
    assert rows(data)["test"] == ROWS
    assert data.encoder.labels == ("0", "1", "2")


def test_parts_of_parquet_files_with_images(tmp_path, monkeypatch):
    monkeypatch.setenv("APPLIED_DL_CACHE", str(tmp_path / "own"))
    (tmp_path / "data").mkdir()
    for part, seed in (("train-00000-of-00002", 0), ("train-00001-of-00002", 1), ("test-00000-of-00001", 2)):
        cells = []
        for image in digits(seed)[0]:
            out = io.BytesIO()
            Image.fromarray(image.astype(np.uint8)).save(out, "PNG")
            cells.append({"bytes": out.getvalue(), "path": "x.png"})
        pl.DataFrame({"image": cells, "label": digits()[1]}).write_parquet(tmp_path / "data" / f"{part}.parquet")
    data = read(tmp_path, source=tmp_path / "data")
    assert rows(data)["test"] == ROWS
    assert sum(rows(data).values()) == 3 * ROWS
    assert data.encoder.labels == ("0", "1", "2")
