"""python -m benchmarks.tabular.diamonds [SEEDS] [PRESETS]: diamonds, log price, 64/16/20 splits, compared with CatBoost."""

import sys
import tempfile

import polars as pl

from benchmarks.runner import Row
from benchmarks.tabular.common import TABLES, ratio_row, run, seeds_argument

TREES = ("HistGB default", "CatBoost default")


def summary(found: dict) -> list[Row]:
    """Error against CatBoost."""
    return ratio_row(found, "Diamonds (53,940 rows), log price", "CatBoost default", 0.98)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        frame = pl.read_csv(TABLES / "diamonds" / "diamonds.csv.gz").with_columns(pl.col("price").log())
        frame.write_csv(f"{folder}/diamonds.csv")
        source = {"data.source": f"{folder}/diamonds.csv", "data.target": "price"}
        run("tabular_diamonds", source, seeds_argument(5), TREES, tuple(sys.argv[2].split(",")) if len(sys.argv) > 2 else ("default",))
