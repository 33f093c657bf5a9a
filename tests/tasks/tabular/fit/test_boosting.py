"""Boosted oblivious trees beside scikit-learn's boosting and a stump found by hand, and the layer that runs them."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from applied_dl.tasks.tabular.fit import boosting
from applied_dl.tasks.tabular.fit.boosting import BAGS, MOST_TREES, Trees, _edges, fit_bags, fit_trees, loss_of, softmax
from applied_dl.tasks.tabular.models.flat import trees_head


def rows(seed, count=700):
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 5)).astype(np.float32)
    signal = np.sin(2 * x[:, 0]) + (x[:, 1] > 0.3) * x[:, 2]
    return x, signal, signal + 0.3 * random.normal(size=count)


def test_they_predict_new_rows_as_well_as_histogram_boosting():
    (x, _, y), (z, truth, _) = rows(0), rows(1)
    held = slice(500, None)
    trees, path = fit_trees(x[:500], y[:500, None], False, 0, held=(x[held], y[held, None]))
    assert len(path) == len(trees.columns)
    best = int(np.argmin([loss_of(one, y[held, None], False) for one in path]))
    np.testing.assert_allclose(trees.first(best + 1).predict(x[held]), path[best], rtol=1e-5, atol=1e-6)
    ours = np.sqrt(np.mean((trees.first(best + 1).predict(z)[:, 0] - truth) ** 2))
    theirs = np.sqrt(np.mean((HistGradientBoostingRegressor(random_state=0).fit(x, y).predict(z) - truth) ** 2))
    assert ours < 1.1 * theirs
    label = (truth > 0.4).astype(int) + (truth > 1.2)
    known = np.digitize(y, (0.4, 1.2))
    trees, _ = fit_trees(x, np.eye(3)[known], True, 0, count=300)
    found = loss_of(trees.predict(z), np.eye(3)[label], True)
    other = HistGradientBoostingClassifier(random_state=0).fit(x, known).predict_proba(z)
    assert found < 1.1 * -np.mean(np.log(other[np.arange(len(z)), label]))


def test_several_boosted_models_are_averaged_where_there_are_rows_enough():
    (x, _, y), (z, truth, _) = rows(0, 300), rows(1)
    trees, path = fit_bags(x, y[:, None], False, 0, 4, count=120, held=(z, truth[:, None]))
    assert len(trees.columns) == 120 * BAGS
    assert path.shape == (MOST_TREES, len(z), 1)
    np.testing.assert_allclose(trees.predict(z), path[119], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(path[119], path[-1])
    alone = [fit_trees(x, y[:, None], False, seed, count=120, depth=4)[0] for seed in (0, 1, 2)]
    np.testing.assert_allclose(Trees.mean(alone).predict(z), np.mean([one.predict(z) for one in alone], axis=0), rtol=1e-5, atol=1e-6)
    assert loss_of(path[-1], truth[:, None], False) < 0.97 * np.mean([loss_of(one.predict(z), truth[:, None], False) for one in alone])
    assert len(fit_bags(x[:150], y[:150, None], False, 0, 4, count=20)[0].columns) == 20


def test_a_step_is_learned():
    x = np.arange(40, dtype=np.float32)[:, None]
    y = np.where(x > 12, 3.0, -1.0)
    trees, _ = fit_trees(x, y - y.mean(), False, 0, count=400)
    assert np.median(trees.thresholds[:, 0]) == pytest.approx(12.5, abs=1.5)  # at most 32 bins of 40 values
    np.testing.assert_allclose(trees.predict(x), y - y.mean(), atol=0.3)


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_layer_gives_what_the_trees_give(outputs):
    x, _, y = rows(2, 200)
    target = np.eye(3)[np.digitize(y, (0.0, 0.8))] if outputs == 3 else y[:, None]
    trees, _ = fit_trees(x, target, outputs == 3, 0, count=30)
    entry = keras.Input((5,))
    model = keras.Model(entry, trees_head(entry, *trees))
    np.testing.assert_allclose(model.predict(x, verbose=0)[:, 0], trees.predict(x), rtol=1e-4, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.floats(-1e6, 1e6, width=32), st.integers(-5, 5)), min_size=1, max_size=120))
def test_cuts_part_the_values_between_which_they_lie(values):
    column = np.array(values, np.float32)
    different, edges = np.unique(column), _edges(column)
    assert len(edges) == min(len(different), len(edges) + 1) - 1 or len(edges) <= 31
    assert (np.diff(edges) > 0).all()
    parts = np.searchsorted(edges, different)  # each cut has values on both sides
    assert len(np.unique(parts)) == len(edges) + 1
    if len(different) <= 32:
        assert len(edges) == len(different) - 1


def test_constant_columns_give_the_mean():
    trees, path = fit_trees(np.ones((30, 2), np.float32), np.arange(30.0)[:, None], False, 0, held=(np.ones((4, 2)), np.ones((4, 1))))
    np.testing.assert_allclose(trees.predict(np.ones((2, 2))), 14.5)
    np.testing.assert_allclose(path[-1], 14.5)


def test_softmax_sums_to_one():
    np.testing.assert_allclose(softmax(np.array([[1e4, 0.0], [-1e4, -1e4]])), [[1, 0], [0.5, 0.5]])


def test_rare_values_beside_a_common_one_have_cuts():
    column = np.r_[np.zeros(900), np.arange(1.0, 101)].astype(np.float32)
    edges = _edges(column)
    assert len(edges) > 20
    assert 0 < edges[0] < 1
    assert np.max(np.diff(edges)) < 10


def test_no_row_chooses_its_own_cuts_of_classes():
    fitted, unseen_by = boosting._parts(np.arange(100), 3, np.random.default_rng(0))
    assert [len(rows) for rows in fitted] == [66, 67, 67, 100]
    assert not any(row in fitted[unseen_by[row]] for row in range(100))


@given(st.lists(st.integers(0, 12), min_size=1, max_size=80), st.integers(2, 5))
def test_rows_of_a_unit_are_in_one_part_and_the_parts_are_even(units, parts):
    units = np.array(units)
    part = boosting.deal(units, parts, np.random.default_rng(0))
    sizes = np.unique(units, return_counts=True)[1]
    if len(sizes) >= parts:
        assert all(len(set(part[units == one])) == 1 for one in units)
        assert np.bincount(part, minlength=parts).min() > 0
    assert np.ptp(np.bincount(part, minlength=parts)) <= max(sizes.max(), 1)


@pytest.fixture
def gradients(monkeypatch):
    """The mean absolute gradient of each tree that is grown."""
    seen, grow = [], boosting.grow

    def recorded(codes, edges, gradient, *more):
        seen.append(np.abs(gradient).mean())
        return grow(codes, edges, gradient, *more)

    monkeypatch.setattr(boosting, "grow", recorded)
    return seen


def test_cuts_of_copied_rows_follow_gradients_that_know_no_copy(gradients):
    """Noise whose rows are there three times: where copies are known, gradients stay as large as without the copies."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(100, 10)).astype(np.float32), np.eye(2)[random.integers(0, 2, 100)]
    last = []
    for units in (None, np.tile(np.arange(100), 3)):
        fit_trees(np.tile(x, (3, 1)), np.tile(y, (3, 1)), True, 0, count=60, units=units)
        last.append(gradients[-1])
    assert last[1] > 1.15 * last[0]


def test_gradients_of_noise_stay_larger_than_at_predictions_that_know_the_row(gradients):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(200, 10)).astype(np.float32), np.eye(2)[random.integers(0, 2, 200)]
    trees, _ = fit_trees(x, y, True, 0, count=60)
    assert gradients[-1] > 1.15 * np.abs(y - softmax(trees.predict(x))).mean()  # of the rows at predictions that were fitted to them
