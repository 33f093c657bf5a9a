"""Arrays and tables of images with masks."""

import numpy as np
import pytest

from applied_dl.core.errors import DataError
from tests.cases.segment_files import fill, read, rows, scene


def arrays(path, form):
    pairs = [scene(i) for i in range(12)]
    np.savez(path, images=np.stack([p[0] for p in pairs]), masks=np.stack([form(p[1]) for p in pairs]))
    return path


@pytest.mark.parametrize(
    "form", [lambda m: m, lambda m: m[..., None], lambda m: np.eye(3)[m], lambda m: np.eye(3, dtype=np.uint8)[m] * 255]
)
def test_a_channel_for_each_class_is_the_number_of_the_class(form, tmp_path):
    data = read(tmp_path, source=arrays(tmp_path / "d.npz", form))
    shares = np.bincount(np.concatenate([part.target.ravel() for part in data.parts.values()]), minlength=3)
    np.testing.assert_array_equal(shares, np.bincount(np.stack([scene(i)[1] for i in range(12)]).ravel(), minlength=3))


def test_two_channels_are_no_transparency(tmp_path):
    data = read(tmp_path, source=arrays(tmp_path / "d.npz", lambda m: np.eye(2, dtype=np.uint8)[(m > 0).astype(int)]))
    assert data.facts["class_shares"]["background"] > 0.5


def test_overlapping_channels_are_refused(tmp_path):
    with pytest.raises(DataError, match="not each pixel is of one channel"):
        read(tmp_path, source=arrays(tmp_path / "d.npz", lambda m: np.stack([m > 0, m > 1, m >= 0], -1).astype(np.float32)))


def test_the_column_of_parts_in_any_spelling(tmp_path):
    fill(tmp_path / "d", 12)
    lines = [f"images/{i:03d}.jpg,masks/{i:03d}.png,{'Train Set' if i < 8 else 'Test-Set'}" for i in range(12)]
    (tmp_path / "d" / "pairs.csv").write_text("\n".join(["image,mask,split", *lines]))
    assert rows(read(tmp_path, source=tmp_path / "d" / "pairs.csv"))["test"] == 4


def test_run_lengths_of_a_table_are_refused_with_the_cause(tmp_path):
    fill(tmp_path / "d", 12)
    (tmp_path / "d" / "train.csv").write_text("\n".join(["ImageId,EncodedPixels", *(f"{i:03d}.jpg,1 5 40 {i + 1}" for i in range(12))]))
    with pytest.raises(DataError, match="'EncodedPixels' holds run lengths"):
        read(tmp_path, source=tmp_path / "d" / "train.csv")
