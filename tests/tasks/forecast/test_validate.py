"""A key without effect is refused, by name and with what to do; every key with an effect passes."""

from pathlib import Path

import pytest

from applied_dl.core.errors import UsageError
from applied_dl.tasks.forecast import task
from applied_dl.tasks.forecast.models import BUILDERS
from applied_dl.tasks.forecast.validate import OPTIONS, takes
from applied_dl.workflows import recipes

SERIES = {"data.source": "elnino", "data.horizon": 6, "data.lookback": 48}


def resolved(**keys):
    recipe = recipes.read_recipe({"task": "forecast"}, SERIES | {k.replace("__", "."): v for k, v in keys.items()})
    return task.resolve_defaults(recipe, task.prepare(recipe, Path(".")))


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"model__name": "ridge", "model__cycle": 12}, "model.cycle is the cycle of 'cyclenet'"),
        ({"model__name": "ridge", "model__patch": 12}, "model.patch has no meaning for the model 'ridge'; it is for: simple_rnn, gru"),
        ({"model__name": "ridge", "model__dropout": 0.1}, "model.dropout has no meaning"),
        ({"model__name": "ridge", "model__units": 8}, "model.units has no meaning"),
        ({"model__name": "ridge", "model__layers": 2}, "model.layers has no meaning"),
        ({"model__name": "ridge", "model__normalize": "mean"}, "model.normalize has no meaning"),
        ({"model__name": "ridge", "model__difference": True}, "model.difference has no meaning"),
        ({"model__name": "ridge", "model__members": ["ridge"]}, "model.members is for model.name = 'blend'"),
        ({"model__name": "ridge", "train__epochs": 3}, "train.epochs would do nothing"),
        ({"model__name": "ridge", "train__momentum": 0.9}, "train.momentum would do nothing"),
        ({"model__name": "ridge", "train__loss": "mae"}, "train.loss would do nothing"),
        ({"model__name": "ridge", "train__ensemble": 3}, "train.ensemble would do nothing"),
        ({"model__name": "ridge", "train__loss": "quantile"}, "needs a network with several outputs"),
        ({"model__name": "gru", "model__layers": 2}, "model.layers has no meaning for the model 'gru'"),
        ({"model__name": "gru", "model__normalize": "revni"}, "Did you mean 'revin'"),
        ({"model__name": "gru", "model__normalize": "last", "model__difference": True}, "do the same thing"),
        ({"model__name": "gru", "model__patch": 25}, "give at most 24"),
        ({"model__name": "gru", "model__units": 0}, "needs at least 1"),
        ({"model__name": "patchtst", "model__units": 2}, "give at least 4"),
        ({"model__name": "cyclenet", "data__calendar": True}, "data.calendar would do nothing"),
        ({"model__members": ["ridge", "cyclenet"], "model__patch": 3}, "model.patch has no meaning for the model 'blend'"),
        ({"model__members": []}, "has 0 names"),
        ({"model__members": ["ridge", "gro"]}, "Did you mean 'gru'"),
        ({"model__members": ["ridge", "gru"], "train__ensemble": 2}, "name one more than once"),
        ({"model__members": ["ridge", "gru"], "train__snapshots": 2}, "train.snapshots is for one network"),
        ({"model__name": "gru", "calibration__quantiles": [0.6, 0.9]}, "one below and one above 0.5"),
        ({"model__name": "gru", "train__loss": "quantile", "calibration__quantiles": [0.9, 0.1]}, "must rise between 0 and 1"),
        ({"model__name": "gru", "train__loss": "quantile", "calibration__quantiles": [0.5, 1.0]}, "must rise between 0 and 1"),
        ({"model__name": "gru", "train__loss": "quantile", "calibration__quantiles": []}, "must rise between 0 and 1"),
        ({"model__name": "gru", "train__loss": "quantile", "calibration__quantiles": [0.1, 0.9]}, "needs 0.5, the forecast"),
        ({"model__name": "gru", "train__loss": "quantile", "calibration__quantiles": [0.1, 0.5]}, "one below and above"),
        ({"model__name": "gru", "train__loss": "relative"}, "is for panels"),
        ({"model__name": "gru", "train__label_smoothing": 0.1}, "no meaning for a forecast"),
        ({"model__name": "gru", "train__precision": "mixed_bfloat16"}, "forecasters compute in float32"),
        ({"data__test_horizons": 2, "model__members": ["panel", "cyclenet"]}, "one common clock"),
        ({"data__test_horizons": 2, "data__split": [0.5, 0.1, 0.4]}, "a panel keeps the last"),
        ({"data__validation": "later.csv"}, "needs data.train"),
        ({"data__train": "a.csv", "data__test": "b.csv", "data__split": [0.5, 0.1, 0.4]}, "used exactly as given"),
        ({"data__layout": "wide", "data__series": "date"}, "is for a long file"),
        ({"data__gaps": "mend"}, "must be one of fill, refuse"),
    ],
)
def test_what_would_do_nothing_is_refused(keys, says):
    with pytest.raises(UsageError) as error:
        resolved(**keys)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", BUILDERS)
def test_what_a_builder_takes_is_accepted_and_all_else_refused(name):
    values = {"units": 8, "layers": 1, "patch": 12, "dropout": 0.2, "normalize": "last", "difference": True}
    for key in OPTIONS:
        keys = {"model__name": name, f"model__{key}": values[key]}
        if takes(name, key):
            assert getattr(resolved(**keys).model, key) == values[key]
        else:
            with pytest.raises(UsageError, match=f"model.{key} has no meaning"):
                resolved(**keys)


def test_the_panels_network_takes_series_on_one_clock_too_without_the_loss_of_panels():
    assert resolved(model__name="panel").train.loss == "mae"
    assert resolved(model__name="panel", data__test_horizons=2).train.loss == "relative"


def test_zero_is_no_floor_for_series_that_go_below_it(tmp_path):
    path = tmp_path / "winter.csv"
    path.write_text("month,temperature\n" + "".join(f"{2000 + i // 12}-{i % 12 + 1:02d}-01,{10 - i % 12 * 2}\n" for i in range(240)))
    with pytest.raises(UsageError, match=r"predict.non_negative would cut forecasts .* \(down to -12\); remove it"):
        resolved(data__source=str(path), predict__non_negative=True)
    assert resolved(data__source=str(path)).predict.non_negative is False


def test_a_resolved_recipe_resolves_to_itself():
    for keys in ({"model__name": "ridge"}, {"model__members": ["ridge", "gru"]}, {"model__name": "lstm"}, {"data__test_horizons": 2}):
        once = resolved(**keys)
        assert task.resolve_defaults(once, task.prepare(once, Path("."))) == once


def test_a_blend_leaves_epochs_to_its_members_by_default():
    assert resolved(model__members=["ridge", "gru"]).train.epochs is None
    assert resolved(model__members=["ridge", "gru"], train__epochs=2).train.epochs == 2
