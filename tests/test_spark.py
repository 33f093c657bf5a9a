"""The Spark lines of the guide to large data, run by Spark on this machine."""

import importlib.util
import os
import shutil
import sys

import numpy as np
import polars as pl
import pytest

import applied_dl
from tests.test_readme import ROOT, blocks

needs_spark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="Spark and Java are not installed in this environment: pip install pyspark",
)


@pytest.mark.slow
@needs_spark
def test_the_lines_of_the_guide_predict_what_the_predictor_does(trained, tmp_path, monkeypatch):
    from pyspark.sql import SparkSession

    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    bundle = trained("tabular").bundle
    block = next(block for block in blocks("python", ROOT / "docs" / "guides" / "scale.md") if "mapInPandas" in block)
    definitions = block[: block.index("scored =")].replace("saved_models/churn", str(bundle))
    scope: dict = {"__name__": "lines_of_the_guide"}
    exec(compile(definitions, "scale.md", "exec"), scope)
    predictor = applied_dl.load(bundle)
    names = [column.name for column in predictor.encoder.columns]
    frame = pl.DataFrame(dict(zip(names, np.random.default_rng(0).normal(0, 0.05, (len(names), 100)).round(4)))).to_pandas()
    expected = predictor.predict_batch(frame)
    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", False).config("spark.driver.host", "localhost").getOrCreate()
    try:
        schema = ", ".join(f"`{name}` double" for name in expected.columns)
        scored = spark.createDataFrame(frame).repartition(2).mapInPandas(scope["score"], schema=schema).toPandas()
    finally:
        spark.stop()
    order = scored.sort_values(names).reset_index(drop=True)
    np.testing.assert_allclose(order[expected.columns], expected.sort_values(names).reset_index(drop=True), rtol=1e-6)
