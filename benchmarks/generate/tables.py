"""python -m benchmarks.generate.tables [SEEDS]: new rows of the adult table, its own 32,561 and 16,281 rows, by both models.

A model trained on made rows predicts the income of real test rows; so does one trained on as many real rows. The recipe's values were
chosen on validation rows.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.generate.common import CODE
from benchmarks.runner import ROOT, SHARED, Row, format_mean, seeds_argument, write

NAMES = (
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race", "sex",
    "capital_gain", "capital_loss", "hours_per_week", "native_country", "income",
)  # fmt: skip
MODELS = ("autoregressive", "row_gan")


def summary(found: dict) -> list[Row]:
    """Beside real rows, and each baseline of the same run."""
    rows = []
    for model in MODELS:
        runs = [run for run in found["runs"] if run["model"] == model]
        if not runs:
            continue
        value = lambda name, runs=runs: format_mean([run["metrics"]["test"][name] for run in runs], 3)  # noqa: E731
        base = {who: np.mean([run["baselines"][who]["tstr_ratio"] for run in runs]) for who in runs[0]["baselines"]}
        ratio = float(np.mean([run["metrics"]["test"]["tstr_ratio"] for run in runs]))
        goal = ("≥ 0.97", ratio >= 0.97) if model == "autoregressive" else ("", None)
        rows.append(
            Row(f"adult, {model}: accuracy trained on made rows over trained on real ones", value("tstr_ratio"), *goal,
                "; ".join(f"{who} {share:.3f}" for who, share in base.items()))
        )  # fmt: skip
        pairs = "; ".join(f"{who} {np.mean([run['baselines'][who]['pair_error'] for run in runs]):.3f}" for who in base)
        real = np.mean([run["metrics"]["test"]["pair_error_of_training"] for run in runs])
        rows.append(Row(f"adult, {model}: error of pairs of columns", value("pair_error"), "", None, f"{pairs}; training rows {real:.3f}"))
        rows.append(
            Row(f"adult, {model}: distance to the closest training row, over that of real test rows", value("closest_record"), "", None,
                f"copies {np.mean([run['metrics']['test']['copies'] for run in runs]):.2%}, of real test rows "
                f"{np.mean([run['metrics']['test']['copies_of_real'] for run in runs]):.2%}")
        )  # fmt: skip
        spent = np.mean([run["cpu_seconds"] for run in runs])
        best = next((item for item in runs[0]["files"] if item["chosen"]), None)
        file = f"{best['bytes'] / 1000:.0f} kB ({best['variant']})" if best else "none"
        rows.append(Row(f"adult, {model}: the whole training, scores and export included", f"{spent:.0f} CPU-seconds; file {file}"))
    return rows


def with_header(folder: Path) -> dict[str, str]:
    """The two files with a header; the test file's labels end in a full stop there, and it begins with a line of remarks."""
    found = {}
    for part, name in (("train", "adult.data.gz"), ("test", "adult.test.gz")):
        lines = gzip.open(SHARED / "tabular" / "adult" / name, "rt").read().splitlines()
        lines = [line.rstrip(".") for line in lines if line.count(",") == len(NAMES) - 1]
        path = folder / f"{part}.csv"
        path.write_text("\n".join([",".join(NAMES), *(line.replace(", ", ",") for line in lines)]) + "\n")
        found[part] = str(path)
    return found


if __name__ == "__main__":
    result: dict = {"runs": []}
    with tempfile.TemporaryDirectory() as made:
        data = {**with_header(Path(made)), "target": "income", "split": [0.9, 0.1, 0.0]}
        for seed in seeds_argument(1):
            for model in MODELS:
                recipe = json.dumps({"task": "generate", "data": data, "model": {"name": model}})
                done = subprocess.run([sys.executable, "-c", CODE, recipe, str(seed)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
                line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
                if line is None:
                    sys.exit("the training failed; its messages are above")
                result["runs"].append({"model": model, **json.loads(line.removeprefix("RESULT"))})
                write("generate_tables", result)
