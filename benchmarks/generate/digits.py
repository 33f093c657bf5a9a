"""python -m benchmarks.generate.digits [SEEDS]: the offline default, new digits of 8 by 8 pixels by class, on several splits.

The seed decides the split too. FID in the features of a classifier of the training images, and of the shipped ImageNet trunk.
"""

from __future__ import annotations

import numpy as np

from benchmarks.generate.common import file_row, mean, seconds_row, train_each, values
from benchmarks.runner import Row, seeds_argument


def summary(found: dict) -> list[Row]:
    """Beside a Gaussian of principal components."""
    rows = []
    for name, what in (("fid", "own features"), ("trunk_fid", "features of the ImageNet trunk")):
        gauss = float(np.mean(values(found, name, "PCA-Gaussian")))
        rows.append(Row(f"offline default (digits): FID in {what}", mean(found, name), "≤ the PCA-Gaussian's",
                        float(np.mean(values(found, name))) <= gauss, f"PCA-Gaussian {gauss:.3g}"))  # fmt: skip
    real = np.mean(values(found, "fid_of_training"))
    rows.append(Row("offline default (digits): a classifier finds the class asked for", mean(found, "accuracy"), "≥ 0.90",
                    float(np.mean(values(found, "accuracy"))) >= 0.9, f"FID of training images {real:.3g}"))  # fmt: skip
    rows.append(Row("offline default (digits): distance to the nearest training image, over real ones'", mean(found, "nearest_training")))
    return [*rows, seconds_row(found), file_row(found)]


if __name__ == "__main__":
    train_each("generate_digits", {"task": "generate", "data": {"source": "digits"}, "score": {"trunk": True}}, seeds_argument(1))
