"""python -m benchmarks.tabular.small [SEEDS] [CASES]: the built-in tables, diabetes against ridge, breast cancer, learned quantiles."""

import json
import sys

from benchmarks import runner
from benchmarks.runner import Row
from benchmarks.tabular.common import _ours, ratio_row, seeds_argument, value_row

CASES = {
    "diabetes": {"data.source": "diabetes"},
    "breast_cancer": {"data.source": "breast_cancer"},
    "diabetes_quantile": {"data.source": "diabetes", "model.name": "tabm", "train.loss": "quantile"},
}


def summary(found: dict) -> list[Row]:
    """Where linear models are hard to beat."""
    diabetes = ratio_row({"rows": found["diabetes"]}, "diabetes (442 rows)", "ridge", 1.0)
    cancer = value_row({"rows": found["breast_cancer"]}, "breast cancer (569 rows)", "accuracy", 0.977)
    quantiles = value_row({"rows": found.get("diabetes_quantile", [])}, "diabetes, learned quantiles", "coverage", 0.88, 0.92)
    return [*diabetes, *cancer, *quantiles]


if __name__ == "__main__":
    wanted = sys.argv[2].split(",") if len(sys.argv) > 2 else list(CASES)
    found = {name: rows for name, rows in (runner.read("tabular_small") or {}).items() if name in CASES}
    for name in wanted:
        found[name] = []
        for seed in seeds_argument(20):
            found[name].append({"seed": seed, "default": _ours({**CASES[name], "train.seed": seed})[1]})
            print(json.dumps(found[name][-1]), flush=True)
    runner.write("tabular_small", found)
