"""python benchmarks/tabular_small.py [SEEDS]: the built-in tables, diabetes against ridge regression and breast cancer, many splits."""

import json

import runner
from runner import Row
from tabular_common import _ours, count, ratio_row, value_row


def summary(found: dict) -> list[Row]:
    """Where linear models are hard to beat."""
    diabetes = ratio_row({"rows": found["diabetes"]}, "diabetes (442 rows)", "ridge", 1.0)
    cancer = value_row({"rows": found["breast_cancer"]}, "breast cancer (569 rows)", "accuracy", 0.977)
    return [*diabetes, *cancer]


if __name__ == "__main__":
    found: dict = {"diabetes": [], "breast_cancer": []}
    for name, rows in found.items():
        for seed in count(10):
            rows.append({"seed": seed, "default": _ours({"data.source": name, "train.seed": seed})[1]})
            print(json.dumps(rows[-1]), flush=True)
    runner.write("tabular_small", found)
