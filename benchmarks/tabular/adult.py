"""python -m benchmarks.tabular.adult [SEEDS] [PRESETS]: Adult income, the official test rows, compared with gradient-boosted trees."""

import gzip
import sys
import tempfile

from benchmarks.runner import Row
from benchmarks.tabular.common import TABLES, run, seeds_argument, value_row

TREES = ("HistGB default", "LightGBM default", "CatBoost default")
COLUMNS = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,capital_loss,hours_per_week,"
    "native_country,income"
)


def summary(found: dict) -> list[Row]:
    """Accuracy on the official test rows."""
    return value_row(found, "Adult (32,561 / 16,281 rows)", "accuracy", 0.870)


def with_header(name: str, path: str) -> str:
    """The file with column names, and without the full stops that end the labels of the test file."""
    with gzip.open(TABLES / "adult" / name, "rt") as file:
        lines = [line.strip().rstrip(".").replace(", ", ",") for line in file if line.count(",") == 14]
    with open(path, "w") as file:
        file.write("\n".join([COLUMNS, *lines]) + "\n")
    return path


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        train, test = with_header("adult.data.gz", f"{folder}/train.csv"), with_header("adult.test.gz", f"{folder}/test.csv")
        source = {"data.train": train, "data.test": test, "data.target": "income", "data.split": (0.8, 0.2, 0.0)}
        run("tabular_adult", source, seeds_argument(3), TREES, tuple(sys.argv[2].split(",")) if len(sys.argv) > 2 else ("default",))
