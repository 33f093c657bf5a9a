"""The backtest: no origin knows what came after it, refits are refits, and the verb answers for recipes and bundles."""

import json
from pathlib import Path

import numpy as np
import pytest

import applied_dl
from applied_dl import cli
from applied_dl.core.errors import UsageError
from applied_dl.tasks.forecast import backtest as rolling
from applied_dl.tasks.forecast.readers.prepare import prepare_series
from applied_dl.workflows import backtest, recipes

SMALL = {"data.source": "elnino", "data.horizon": 6, "data.lookback": 24}
PANEL = {"data.source": "macro", "data.test_horizons": 2, "data.horizon": 4, "data.lookback": 16, "model.name": "panel", "model.units": 8,
         "train.epochs": 1}  # fmt: skip


def recipe(**keys):
    return recipes.read_recipe({"task": "forecast"}, SMALL | {k.replace("__", "."): v for k, v in keys.items()})


@pytest.mark.parametrize("keys", [{}, {"data__test_horizons": 1}])
def test_an_earlier_origin_is_as_if_the_rest_had_not_come(keys):
    whole, earlier = prepare_series(recipe(**keys)), prepare_series(recipe(**keys), 40)
    steps = len(whole.state.blocks[0].values)
    assert earlier.test.extra["origin"].tolist() == [steps - 40 - 6]
    assert len(earlier.state.blocks[0].values) == steps - 40
    assert earlier.validation.extra["origin"].max() + 6 <= steps - 40 - 6
    assert np.array_equal(earlier.test.target[0], whole.state.blocks[0].values[steps - 46 : steps - 40])
    assert len(earlier.validation) == len(whole.validation)


def test_ridge_is_fitted_again_at_every_origin_on_what_was_known():
    found = rolling.of_recipe(recipe(model__name="ridge"), 5)
    assert found.refits == len(found.part) == 5
    last = int(found.part.extra["origin"][-1])
    earlier = rolling.of_recipe(recipe(model__name="ridge"), None)
    same = {int(o): f for o, f in zip(earlier.part.extra["origin"], earlier.outputs["ridge, refitted"]["forecast"])}
    assert np.allclose(found.outputs["ridge, refitted"]["forecast"][-1], same[last], atol=1e-4)  # whatever origins came before
    once, again = (found.outputs[f"ridge, {how}"]["forecast"] for how in ("fitted once", "refitted"))
    assert 1e-4 < np.abs(once - again).max() < 3


def test_networks_and_panels_are_trained_again_at_every_origin():
    found = rolling.of_recipe(recipe(model__name="nlinear", train__epochs=1), 2)
    assert found.refits == 2
    assert found.outputs["nlinear, refitted"]["lower"].shape == (2, 6, 1)
    panel = rolling.of_recipe(recipes.read_recipe({"task": "forecast"}, PANEL), None)
    count = len(panel.encoder.names)
    assert panel.refits == 2
    assert np.bincount(rolling.turns(panel.part)).tolist() == [count, count]
    assert all(len(values) == 2 for values in rolling.by_origin(panel).values())


def test_the_verb_reports_and_draws_for_a_recipe_and_a_bundle(tmp_path, capsys):
    out = tmp_path / "recipe.png"
    sets = [text for key, value in {**SMALL, "model.name": "ridge"}.items() for text in ("--set", f"{key}={value}")]
    assert cli.main(["backtest", "forecast", "--quiet", "--json", "--origins", "4", "--out", str(out), *sets]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["origins"] == report["refits"] == len(report["by_origin"]["origin"]) == 4
    assert report["methods"]["ridge, refitted"]["mse"] < report["methods"]["seasonal naive"]["mse"]
    assert out.stat().st_size > 10_000
    data = {key.split(".")[1]: value for key, value in SMALL.items()}
    export = {"variants": ["fp32"], "formats": ["tflite"]}
    run = applied_dl.train(
        {"task": "forecast"}, out=tmp_path / "b", data=data, model={"name": "ridge"}, train={"refit": False}, export=export
    )
    found = backtest.backtest_bundle(run.bundle, tmp_path / "bundle.png")
    assert found["methods"]["the bundle, as it is"]["mse"] == pytest.approx(run.metrics["test"]["mse"], rel=1e-3)
    assert "ridge, refitted" in found["methods"]
    assert "the bundle, as it is" in backtest.text(found)


def test_what_cannot_be_rolled_is_refused(tmp_path):
    with pytest.raises(UsageError, match="this is the task 'tabular'"):
        backtest.backtest_recipe(recipes.read_recipe("tabular", {}), Path("x.png"))
    with pytest.raises(UsageError, match="at least 1"):
        backtest.backtest_recipe(recipe(), Path("x.png"), 0)
    with pytest.raises(UsageError, match="give --origins at most 141"):
        rolling.of_recipe(recipe(), 1000)
