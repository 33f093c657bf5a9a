"""What a forecast of people's files must get right: short series, changes of level, offsets, promotions, floors and quantiles.

The default recipe is fitted without exporting; the right answers are known from how each file was made. Where the model is not the
question, one that is solved at once stands for the blend.
"""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.forecast import task
from applied_dl.tasks.forecast.predict import encode, postprocess
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes

DAYS = [dt.date(2022, 1, 1) + dt.timedelta(i) for i in range(1000)]
MONTHS = [f"{2015 + i // 12}-{i % 12 + 1:02d}" for i in range(200)]


def resolved(tmp_path, table: dict, **keys):
    """The default recipe with every open value chosen for a table, and the prepared table."""
    pl.DataFrame(table).write_csv(tmp_path / "x.csv")
    keys = {key.replace("__", "."): value for key, value in keys.items()} | {"data.source": str(tmp_path / "x.csv")}
    recipe = recipes.read_recipe({"task": "forecast"}, keys)
    prepared = task.prepare(recipe, Path("."))
    return task.resolve_defaults(recipe, prepared), prepared


class Forecaster:
    """The default recipe, fitted on a table: the shipped graph, the scored one, and forecasts as `predict` gives them."""

    def __init__(self, tmp_path, table: dict, **keys):
        self.recipe, self.prepared = resolved(tmp_path, table, **keys)
        serving = task.serving(self.recipe, task.fit(self.recipe, self.prepared, CheckpointingTrainer()), self.prepared)
        self.model, self.scored = serving.model, serving.scored or serving.model

    def predict(self, table: dict) -> dict:
        encoder = self.prepared.encoder
        encoded = encode(encoder, table)
        assert not encoded.errors, encoded.errors
        return postprocess(encoder, self.model.predict(encoded.inputs, verbose=0), encoded)[0]

    def scores(self) -> dict:
        part = self.prepared.test
        return task.score(self.recipe, self.scored.predict(part.inputs, verbose=0), part, self.prepared.encoder).metrics


def revenue(seed: int) -> np.ndarray:
    i = np.arange(48)
    return (1000 + 20 * i) * (1 + 0.3 * np.sin(2 * np.pi * i / 12)) + 20 * np.random.default_rng(seed).normal(size=48)


AUTO_ETS = {0: 19.3, 1: 14.3, 2: 23.4, 3: 26.2, 4: 17.4, 5: 17.5}  # mean absolute error of statsforecast 2.1.1 on these months


@pytest.mark.slow
def test_36_months_are_forecast_for_12_as_well_as_by_automatic_ets(tmp_path):
    errors = {}
    for seed in (0, 2, 4):
        y = revenue(seed)
        found = Forecaster(tmp_path, {"month": MONTHS[:36], "revenue": y[:36]}, data__horizon=12)
        assert found.recipe.model.name == "ets"
        errors[seed] = np.abs(found.predict({"month": MONTHS[:36], "revenue": y[:36]})["forecast"] - y[36:]).mean()
    assert sum(errors.values()) <= 1.1 * sum(AUTO_ETS[seed] for seed in errors)


@pytest.mark.parametrize(
    ("steps", "horizon"),
    [
        (12, 3),
        (20, 5),
        (26, 12),
        pytest.param(60, 12, marks=pytest.mark.slow),
        (10, 6),
        pytest.param(36, None, marks=pytest.mark.slow),
        (7, None),
    ],
)
def test_short_series_are_answered(steps, horizon, tmp_path):
    table = {"month": MONTHS[:steps], "sales": 100 + np.arange(steps) + np.random.default_rng(0).normal(0, 1, steps)}
    found = Forecaster(tmp_path, table, **({"data__horizon": horizon} if horizon else {}))
    answer = found.predict(table)
    assert len(answer["forecast"]) == found.prepared.encoder.horizon
    assert np.isfinite([answer["forecast"], answer["lower"], answer["upper"]]).all()
    assert 90 + steps < np.mean(answer["forecast"]) < 120 + 2 * steps
    assert any("history is short" in note for note in found.prepared.warnings)


def test_too_few_steps_are_refused_with_the_number_that_is_needed(tmp_path):
    with pytest.raises(DataError, match="has 6 steps; expected at least 7 for a horizon of 3"):
        Forecaster(tmp_path, {"month": MONTHS[:6], "sales": np.arange(6.0)}, data__horizon=3)


def test_a_network_on_a_series_that_is_too_short_for_it_names_the_model_that_is_not(tmp_path):
    table = {"month": MONTHS[:20], "sales": 100 + np.arange(20.0) ** 1.5}
    with pytest.raises(DataError, match="model.name = 'ets'"):
        Forecaster(tmp_path, table, data__horizon=12, model__name="gru")


def test_many_short_series_with_a_long_horizon_are_answered(tmp_path):
    random, weeks = np.random.default_rng(0), np.arange(104)
    rows = [
        (s, DAYS[0] + dt.timedelta(7 * int(w)), (20 + 5 * s) * (1 + 0.3 * np.sin(w / 8.3)) + random.normal())
        for s in range(8)
        for w in weeks
    ]
    table = {"Store": [r[0] for r in rows], "Date": [r[1] for r in rows], "Weekly_Sales": [r[2] for r in rows]}
    found = Forecaster(tmp_path, table, data__horizon=39)
    assert found.scores()["mase"] < 1.2
    unlike = {name: cells[20:] for name, cells in table.items()}  # the first store begins later: a panel
    panel = Forecaster(tmp_path, unlike, data__horizon=39)
    assert (panel.prepared.encoder.form, panel.recipe.model.name) == ("panel", "ets")
    assert np.isfinite(panel.scores()["mase"])


@pytest.mark.parametrize(("start", "keys"), [(400, {"model__name": "ets"}), pytest.param(0, {}, marks=pytest.mark.slow)])
def test_after_a_change_of_level_the_newest_steps_decide(start, keys, tmp_path):
    """AutoETS has a mean absolute error of 27.3 on the whole file; the noise alone has 20."""
    i = np.arange(760)
    noise = 25 * np.random.default_rng(0).normal(size=760)
    y = 1000 + 0.8 * i + 900 * (i >= 690) + 60 * np.sin(2 * np.pi * ((i + 5) % 7) / 7) + noise
    table = {"date": DAYS[start:730], "y": y[start:730]}
    assert np.abs(Forecaster(tmp_path, table, data__horizon=30, **keys).predict(table)["forecast"] - y[730:]).mean() < 1.1 * 27.3


@pytest.mark.slow
@pytest.mark.parametrize("ago", [10, 25, 60, 150, 300])
@pytest.mark.parametrize("size", [-700, 300])
def test_a_change_of_level_is_followed_however_long_ago_and_wherever_to(ago, size, tmp_path):
    """The noise alone has a mean absolute error of 20; the newest level kept for 30 days adds 12, since the trend goes on."""
    i = np.arange(530)
    y = 1500 + 0.8 * i + size * (i >= 500 - ago) + 60 * np.sin(2 * np.pi * i / 7) + 25 * np.random.default_rng(ago).normal(size=530)
    table = {"date": DAYS[:500], "y": y[:500]}
    assert np.abs(Forecaster(tmp_path, table, data__horizon=30).predict(table)["forecast"] - y[500:]).mean() < 40


@pytest.mark.parametrize(
    ("offset", "model", "growth"),
    [(1e9, "ridge", 0), *(pytest.param(offset, "ets", 1, marks=pytest.mark.slow) for offset in (1e9, -3e7))],  # ridge shrinks a trend
)
def test_an_offset_is_taken_off_before_float32(offset, model, growth, tmp_path):
    i = np.arange(162)
    y = (100 + growth * i) * (1 + 0.25 * np.sin(2 * np.pi * i / 12))
    table = {"month": MONTHS[:144], "reading": [f"{v + offset:.3f}" for v in y[:144]]}
    found = Forecaster(tmp_path, table, data__horizon=18, model__name=model)
    answer = found.predict(table)
    assert np.abs(np.array(answer["forecast"]) - offset - y[144:]).max() < 0.02 * (y.max() - y.min())
    assert any("values far from zero" in note for note in found.prepared.warnings)
    assert found.scores()["smape"] < 1e-3
    rows = [(s, m, v + offset * (1 + s)) for s in range(3) for m, v in zip(MONTHS[:144], y[: 144 - s])]
    panel = Forecaster(tmp_path, {"id": [r[0] for r in rows], "month": [r[1] for r in rows], "v": [r[2] for r in rows]},
                       data__horizon=12, model__name="ets")  # fmt: skip
    answer = panel.predict({"id": [9] * 144, "month": MONTHS[:144], "v": y[:144] + 5e8})
    assert np.abs(np.array(answer["forecast"]) - 5e8 - y[144:156]).max() < 0.05 * (y.max() - y.min())


def test_a_promotion_is_followed_and_closed_days_stay_closed(tmp_path):
    random = np.random.default_rng(0)
    days = [d for d in DAYS[:760] if d.weekday() != 6]
    promo = (random.random(len(days)) < 0.15).astype(int)
    base = 300 * (1 + 0.3 * np.array([d.weekday() == 5 for d in days]))
    sales = base * (1 + 0.6 * promo) + random.normal(0, 10, len(days))
    past = len(days) - 24
    table = {"date": days[:past], "sales": sales[:past], "promo": promo[:past]}
    found = Forecaster(tmp_path, table, data__horizon=24, data__future_covariates=["promo"])
    ahead = {"date": days, "sales": [*sales[:past], *[None] * 24], "promo": promo}
    answer = found.predict(ahead)
    assert answer["times"] == [str(d) for d in days[past:]]
    errors = np.abs(np.array(answer["forecast"]) - (base * (1 + 0.6 * promo))[past:])
    assert errors.mean() < 30
    assert np.corrcoef(answer["forecast"] - base[past:], promo[past:])[0, 1] > 0.95


@pytest.mark.parametrize("positive", [True, False])
def test_counts_are_never_forecast_below_zero(positive, tmp_path):
    counts = np.random.default_rng(0).poisson(0.5, 400) - (0 if positive else 1.0)
    found = Forecaster(tmp_path, {"date": DAYS[:400], "n": counts}, data__horizon=7, model__name="ridge")
    answer = found.predict({"date": DAYS[:400], "n": counts})
    assert found.recipe.predict.non_negative is positive
    assert (min(answer["lower"]) >= 0) is positive


def test_a_series_that_has_become_negative_since_training_is_not_cut_at_zero(tmp_path):
    random = np.random.default_rng(0)
    known = np.maximum(random.normal(3, 2, 400), 0)  # such as a load before solar panels
    found = Forecaster(tmp_path, {"date": DAYS[:400], "load": known}, data__horizon=7, model__name="ridge")
    assert found.recipe.predict.non_negative is True
    assert min(found.predict({"date": DAYS[:400], "load": known})["lower"]) >= 0
    later = random.normal(-8, 2, 400)
    answer = found.predict({"date": DAYS[:400], "load": later})
    assert np.mean(answer["forecast"]) < -5
    assert max(answer["upper"]) < 5


def test_no_floor_where_zero_is_far(tmp_path):
    values = 300 + np.random.default_rng(0).normal(0, 1, 400)
    assert resolved(tmp_path, {"date": DAYS[:400], "ppm": values}, data__horizon=7)[0].predict.non_negative is False


def test_the_quantiles_that_are_asked_for_hold_their_share(tmp_path):
    random = np.random.default_rng(0)
    wave = 50 + 10 * np.sin(np.arange(1000) * 2 * np.pi / 7)
    values = wave + random.exponential(5, 1000)
    quantiles = [0.1, 0.25, 0.5, 0.8, 0.95]
    found = Forecaster(tmp_path, {"date": DAYS, "v": values}, data__horizon=7, calibration__quantiles=quantiles, model__name="ridge")
    outputs = found.scored.predict(found.prepared.test.inputs, verbose=0)
    assert outputs["quantiles"].shape[-1] == 5
    assert (np.diff(outputs["quantiles"], axis=-1) >= 0).all()
    held = [(found.prepared.test.target <= outputs["quantiles"][..., i]).mean() for i in range(5)]
    assert [held[0], *held[3:]] == pytest.approx([0.1, 0.8, 0.95], abs=0.06)
    assert held[1] == pytest.approx(0.25, abs=0.09)
    assert found.scores()["coverage"] == pytest.approx(0.85, abs=0.06)
    assert np.array_equal(outputs["lower"], outputs["quantiles"][..., 0])
    answer = found.predict({"date": DAYS, "v": values})
    assert list(answer["quantiles"]) == ["0.1", "0.25", "0.5", "0.8", "0.95"]


def test_quantiles_and_coverage_that_contradict_each_other_are_refused(tmp_path):
    table = {"date": DAYS[:300], "v": np.random.default_rng(0).normal(size=300)}
    with pytest.raises(UsageError, match="hold 0.8 of the values, calibration.coverage asks for 0.95"):
        Forecaster(tmp_path, table, calibration__quantiles=[0.1, 0.5, 0.9], calibration__coverage=0.95)


def test_of_a_short_series_the_scored_model_never_saw_the_test_rows_and_the_shipped_one_did(tmp_path):
    y = revenue(0)
    found = Forecaster(tmp_path, {"month": MONTHS[:48], "v": y}, data__horizon=6)
    other = y.copy()
    other[-6:] *= 3
    changed = Forecaster(tmp_path, {"month": MONTHS[:48], "v": other}, data__horizon=6)
    inputs = found.prepared.test.inputs
    assert np.allclose(
        found.scored.predict(inputs, verbose=0)["forecast"], changed.scored.predict(inputs, verbose=0)["forecast"], rtol=1e-5
    )
    assert not np.allclose(found.model.predict(inputs, verbose=0)["upper"], changed.model.predict(inputs, verbose=0)["upper"], rtol=1e-2)


def test_without_a_refit_the_scored_model_is_shipped(tmp_path):
    values = 50 + np.random.default_rng(0).normal(size=300)
    plain = Forecaster(tmp_path, {"date": DAYS[:300], "v": values}, data__horizon=6, model__name="ridge", train__refit=False)
    assert plain.model is plain.scored
