"""What covariates known ahead do: a factor where the data were made with one, an addition where they were made with that."""

import csv
from pathlib import Path

import numpy as np
import pytest

from applied_dl.tasks.forecast import task
from applied_dl.tasks.forecast.fit.effect import known_series, recent_size, without_effect
from applied_dl.tasks.forecast.fit.effect_choice import effect_of
from applied_dl.tasks.forecast.fit.effect_stretches import stretches
from applied_dl.workflows import recipes


def prepared(folder: Path, columns: dict, horizon: int = 14, **keys):
    """Daily values and covariates (T,), or (T, N) of several shops, as the task reads them."""
    count = len(columns["value"])
    times = np.datetime_as_string(np.datetime64("2023-01-02") + np.arange(count))
    width = columns["value"].shape[1] if columns["value"].ndim == 2 else 1
    with (folder / "v.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["shop", "time", *columns][0 if width > 1 else 1 :])
        for i in range(width):
            cells = [c[:, i] if c.ndim == 2 else c for c in columns.values()]
            writer.writerows([[f"s{i}", t, *row][0 if width > 1 else 1 :] for t, row in zip(times, zip(*cells))])
    known = tuple(name for name in columns if name != "value")
    keys = {"data.source": str(folder / "v.csv"), "data.target": "value", "data.horizon": horizon, "data.future_covariates": known, **keys}
    return task.prepare(recipes.read_recipe({"task": "forecast"}, keys), folder)


def days(seed: int = 0, count: int = 400):
    random = np.random.default_rng(seed)
    t = np.arange(count)
    return random, t, (100 + t) * (1 + 0.3 * np.sin(2 * np.pi * t / 7)), (random.random(count) < 0.2).astype(float)


def found(folder: Path, columns: dict, **keys):
    """The effect, and its slopes on the covariates' own units."""
    ready = prepared(folder, columns, **keys)
    effect = effect_of(ready)
    count = len(ready.state.units["future"][1])
    slopes = effect.kernel[:count, 0] / np.array(ready.state.units["future"][1])
    return effect, slopes if effect.multiplies or ready.encoder.form == "panel" else slopes * ready.encoder.scale[0]


@pytest.mark.parametrize("seed", range(3))
def test_a_factor_is_found_over_a_growing_level(seed, tmp_path):
    random, t, base, promo = days(seed)
    effect, slopes = found(tmp_path, {"value": base * 1.35**promo * np.exp(0.05 * random.normal(size=len(t))), "promo": promo})
    assert effect.multiplies
    assert np.exp(slopes[0]) == pytest.approx(1.35, rel=0.04)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_added_stays_an_addition(seed, tmp_path):
    random, t, base, bus = days(seed)
    effect, slopes = found(tmp_path, {"value": base + 80 * bus + 5 * random.normal(size=len(t)), "bus": bus})
    assert not effect.multiplies
    assert slopes[0] == pytest.approx(80, rel=0.05)


def test_days_without_a_sale_do_not_disturb_a_factor(tmp_path):
    random, t, base, promo = days(0, 900)
    effect, slopes = found(tmp_path, {"value": random.poisson(base / 100 * 2.0**promo).astype(float), "promo": promo})
    assert effect.multiplies
    assert np.exp(slopes[0]) == pytest.approx(2, rel=0.1)


def test_a_promotion_of_every_second_weekend_is_not_taken_for_the_weekend(tmp_path):
    random, t, base, _ = days()
    promo = ((t % 7 >= 5) & (t // 7 % 2 == 0)).astype(float)
    value = base * np.where(t % 7 >= 5, 1.6, 1.0) * 1.2**promo * np.exp(0.03 * random.normal(size=len(t)))
    effect, slopes = found(tmp_path, {"value": value, "promo": promo})
    assert np.exp(slopes[0]) == pytest.approx(1.2, rel=0.04)


def test_a_column_without_an_effect_has_none(tmp_path):
    random, t, base, promo = days()
    effect, _ = found(tmp_path, {"value": base * np.exp(0.05 * random.normal(size=len(t))), "lottery": promo})
    assert np.abs(effect.kernel).max() < 0.02


def test_an_effect_that_bends_is_followed(tmp_path):
    random, t, base, _ = days(0, 800)
    degrees = 15 + 10 * np.sin(t / 40) + 3 * random.normal(size=len(t))
    value = 500 + 10 * np.maximum(15 - degrees, 0) + 5 * random.normal(size=len(t))
    ready = prepared(tmp_path, {"value": value, "degrees": degrees})
    effect = effect_of(ready)
    assert effect.knots
    rows, known = known_series(ready)[0]
    assert np.std(without_effect(ready.encoder, rows, known, effect)) < 0.2 * np.std(rows)


def test_shops_of_every_size_share_one_factor(tmp_path):
    random, t, base, _ = days()
    promo = (random.random((400, 6)) < 0.2).astype(float)
    value = 10.0 ** np.arange(6) / 10 * base[:, None] * 1.4**promo * np.exp(0.05 * random.normal(size=(400, 6)))
    effect, slopes = found(tmp_path, {"value": value, "promo": promo})
    assert effect.multiplies
    assert np.exp(slopes[0]) == pytest.approx(1.4, rel=0.05)


def test_values_below_zero_or_far_from_it_are_not_multiplied(tmp_path):
    _, t, base, promo = days()
    for shift in (-300.0, 1e7):
        effect, _ = found(tmp_path, {"value": base * 1.35**promo + shift, "promo": promo})
        assert not effect.multiplies


def test_no_column_known_ahead_is_no_effect(tmp_path):
    assert effect_of(prepared(tmp_path, {"value": days()[2]})) is None


def test_a_series_shorter_than_a_stretch_has_none():
    long, short = ((np.ones((count, 1)), np.ones((count, 1))) for count in (200, 20))
    found = stretches([long, short], 28, 7, True)
    assert len(found[0]) == 7


def test_the_recent_size_is_that_of_the_window_which_ends_there():
    y = np.random.default_rng(0).normal(size=(9, 2))
    found = recent_size(y, 4)
    for end in range(3, 9):
        np.testing.assert_allclose(found[end], np.abs(y[end - 3 : end + 1]).mean(0))
    np.testing.assert_allclose(found[0], np.abs(y[:4]).mean(0))
    np.testing.assert_allclose(recent_size(y[:2], 4)[0], np.abs(y[:2]).mean(0))
