"""A promotion that multiplies sales, through training and export: the file's forecast follows it as Keras' does, and as the law says."""

import datetime

import numpy as np
import polars as pl

import applied_dl


def test_a_factor_known_ahead_is_in_the_exported_file(tmp_path):
    random, days = np.random.default_rng(0), 420
    promotion = (random.uniform(size=days) < 0.15).astype(int)
    level = 400 + 1.5 * np.arange(days) + 80 * np.sin(2 * np.pi * np.arange(days) / 7)
    sales = level * 1.35**promotion * random.normal(1, 0.02, days)
    start = datetime.date(2024, 1, 1)
    dates = [start + datetime.timedelta(days=i) for i in range(days)]
    pl.DataFrame({"day": dates, "sales": sales, "promotion": promotion}).write_csv(tmp_path / "sales.csv")
    data = {"source": str(tmp_path / "sales.csv"), "target": "sales", "future_covariates": ["promotion"], "horizon": 7}
    run = applied_dl.train(
        "forecast", out=tmp_path / "b", data=data, model={"name": "ridge"}, export={"formats": ["tflite"], "variants": ["fp32"]}
    )
    (file,) = run.manifest.exports
    assert file.max_rel_diff < 1e-3
    assert run.metrics["test"]["mase"] < 0.5
    ahead = [dates[-1] + datetime.timedelta(days=i + 1) for i in range(7)]
    answers = []
    for flag in (0, 1):
        later = {"day": [*dates, *ahead], "sales": [*sales, *[None] * 7], "promotion": [*promotion, *[flag] * 7]}
        pl.DataFrame(later).write_csv(tmp_path / f"later{flag}.csv")
        answers.append(np.array(run.predictor().predict(str(tmp_path / f"later{flag}.csv"))[0]["forecast"]))
    np.testing.assert_allclose(answers[1] / answers[0], 1.35, rtol=0.02)
    after = 400 + 1.5 * np.arange(days, days + 7) + 80 * np.sin(2 * np.pi * np.arange(days, days + 7) / 7)
    np.testing.assert_allclose(answers[0], after, rtol=0.03)
