"""python -m benchmarks.tabular.ames [SEEDS] [PRESETS]: Ames housing, 79 columns with many empty cells, the logarithm of the price."""

import sys
import tempfile

import polars as pl

from benchmarks.runner import Row
from benchmarks.tabular.common import TABLES, ratio_row, run, seeds_argument

TREES = ("HistGB default", "CatBoost default")


def summary(found: dict) -> list[Row]:
    """Error against boosted trees."""
    return ratio_row(found, "Ames (2,930 rows), log price", "HistGB default", 1.0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        frame = pl.read_csv(TABLES / "ames_housing" / "AmesHousing.csv.gz", infer_schema=False)
        frame.with_columns(pl.col("SalePrice").cast(pl.Float64).log()).write_csv(f"{folder}/ames.csv")
        source = {"data.source": f"{folder}/ames.csv", "data.target": "SalePrice", "data.ignore": ("Order", "PID")}
        run("tabular_ames", source, seeds_argument(5), TREES, tuple(sys.argv[2].split(",")) if len(sys.argv) > 2 else ("default",))
