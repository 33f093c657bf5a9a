"""IDX files: images and labels are found by their names and their heads, damaged ones are named."""

import gzip
import struct

import numpy as np
import pytest

from applied_dl.core.errors import DataError
from applied_dl.vision.idx import idx_parts, read_idx


def write(path, values):
    content = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


IMAGES, LABELS = np.arange(4 * 3 * 2).reshape(4, 3, 2), np.array([3, 1, 2, 0])


@pytest.mark.parametrize(
    ("images", "labels", "part"),
    [
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "train"),
        ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte", "test"),
        ("emnist-letters-test-images-idx3-ubyte.gz", "emnist-letters-test-labels-idx1-ubyte", "test"),
        ("images-idx3-ubyte", "labels-idx1-ubyte", "all"),
    ],
)
def test_parts_by_name(images, labels, part, tmp_path):
    files = [write(tmp_path / images, IMAGES), write(tmp_path / labels, LABELS)]
    found = idx_parts([*files, tmp_path / "images.txt"][:2])
    assert list(found) == [part]
    np.testing.assert_array_equal(found[part][0], IMAGES)
    np.testing.assert_array_equal(found[part][1], LABELS)


def test_missing_labels_other_numbers_and_cut_files(tmp_path):
    images = write(tmp_path / "train-images-idx3-ubyte", IMAGES)
    with pytest.raises(DataError, match="expected 'train-labels-idx1-ubyte'"):
        idx_parts([images])
    with pytest.raises(DataError, match="as many labels"):
        idx_parts([images, write(tmp_path / "train-labels-idx1-ubyte", LABELS[:2])])
    images.write_bytes(images.read_bytes()[:-3])
    with pytest.raises(DataError, match="cut short"):
        read_idx(images)


def test_files_of_several_sets_are_refused(tmp_path):
    files = [
        write(tmp_path / f"emnist-{name}-train-{kind}", values)
        for name in ("digits", "letters")
        for kind, values in (("images-idx3-ubyte", IMAGES), ("labels-idx1-ubyte", LABELS))
    ]
    assert list(idx_parts(files[:2])) == ["train"]
    with pytest.raises(DataError, match="both the train images"):
        idx_parts(files)


def test_other_files_are_none(tmp_path):
    (tmp_path / "images.txt").write_text("no array")
    (tmp_path / "images.gz").write_bytes(b"no gzip")
    (tmp_path / "images").write_bytes(b"")
    assert idx_parts([tmp_path / "images.txt", tmp_path / "images.gz", tmp_path / "images"]) == {}
