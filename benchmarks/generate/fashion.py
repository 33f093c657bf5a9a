"""python -m benchmarks.generate.fashion [SEEDS]: new images of Fashion-MNIST by class, 28 by 28, scored beside its own 10,000 test images.

The default recipe; FID in the features of a classifier trained on the training images, which also says whether an image shows what was
asked for.
"""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.generate.common import file_row, mean, seconds_row, train_each, values
from benchmarks.runner import SHARED, Row, seeds_argument

NAMES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
TIME = 2400  # CPU-seconds: 20 minutes on two cores


def summary(found: dict) -> list[Row]:
    """Beside a Gaussian of principal components, a half of whose distance is the goal."""
    fid, gauss = (float(np.mean(values(found, "fid", who))) for who in (None, "PCA-Gaussian"))
    right = float(np.mean(values(found, "accuracy")))
    others = ", ".join(f"{who} {np.mean(values(found, 'fid', who)):.4g}" for who in found["runs"][0]["baselines"])
    tail = ", ".join(f"{name} {mean(found, name).split(',')[0].split(' [')[0]}" for name in ("precision", "recall", "density", "coverage"))
    rows = [
        Row("Fashion-MNIST by class: FID in own features", mean(found, "fid"), "≤ half of the PCA-Gaussian's", fid <= gauss / 2,
            f"{others}; training images {np.mean(values(found, 'fid_of_training')):.3g}"),
        Row("Fashion-MNIST by class: a classifier finds the class asked for", mean(found, "accuracy"), "≥ 0.90", right >= 0.90,
            f"PCA-Gaussian {np.mean(values(found, 'accuracy', 'PCA-Gaussian')):.3f}"),
        Row("Fashion-MNIST by class: distance to the nearest training image, over that of test images", mean(found, "nearest_training"), "",
            None, tail),
    ]  # fmt: skip
    if "trunk_fid" in found["runs"][0]["metrics"]["test"]:
        rows.append(Row("Fashion-MNIST by class: FID in features of the ImageNet trunk", mean(found, "trunk_fid"), "", None,
                        f"PCA-Gaussian {np.mean(values(found, 'trunk_fid', 'PCA-Gaussian')):.4g}"))  # fmt: skip
    return [*rows, seconds_row(found, TIME), file_row(found)]


def as_npz(folder: Path) -> str:
    """The original files as one `.npz`."""
    parts = {"train": "train", "test": "t10k"}
    arrays = {"class_names": np.array(NAMES)}
    for part, prefix in parts.items():
        for key, kind, head in (("x", "images-idx3", 16), ("y", "labels-idx1", 8)):
            raw = gzip.open(SHARED / "images" / "fashion_mnist" / f"{prefix}-{kind}-ubyte.gz").read()
            flat = np.frombuffer(raw, np.uint8, offset=head)
            arrays[f"{key}_{part}"] = flat.reshape(-1, 28, 28) if key == "x" else flat.astype(np.int64)
    np.savez(folder / "fashion_mnist.npz", **arrays)
    return str(folder / "fashion_mnist.npz")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        recipe = {"task": "generate", "data": {"source": as_npz(Path(made)), "split": [0.9, 0.1, 0.0]}}
        train_each("generate_fashion", recipe, seeds_argument(1))
