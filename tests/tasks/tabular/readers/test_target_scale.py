"""A logarithmic scale where errors are proportional to the value, unless it costs accuracy."""

import numpy as np
import pytest

from applied_dl.tasks.tabular.readers.target_scale import prefers_log

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(400, 3)).astype(np.float32)
CODE = RANDOM.integers(0, 4, 400).astype(np.int32)
NOISE = np.exp(0.1 * RANDOM.normal(size=400))


def chosen(columns, y, cut=300):
    inputs = {f"x{i}": column for i, column in enumerate(columns)}
    train, held = ({name: values[at] for name, values in inputs.items()} for at in (slice(0, cut), slice(cut, None)))
    return prefers_log(train, y[:cut], held, y[cut:])


@pytest.mark.parametrize("crossed", [5000, 0])
def test_a_product_is_learned_on_a_logarithmic_scale(monkeypatch, crossed):
    monkeypatch.setattr("applied_dl.tasks.tabular.readers.target_scale.CROSSED", crossed)
    assert chosen([*X.T, CODE], np.exp(X @ [1.0, 0.5, 0.5] + 0.5 * CODE) * NOISE)


@pytest.mark.parametrize("crossed", [5000, 0])  # cross-validated, or the validation rows alone
def test_a_sum_of_skewed_columns_is_not_although_its_errors_are_proportional(monkeypatch, crossed):
    monkeypatch.setattr("applied_dl.tasks.tabular.readers.target_scale.CROSSED", crossed)
    parts = np.exp(1.5 * X)
    assert not chosen([*parts.T, CODE], (parts @ [1.0, 2.0, 1.0] + CODE) * NOISE)


@pytest.mark.parametrize("hole", [0.0, 0.3, 1.0])
def test_columns_with_empty_cells(hole):
    x = np.where(RANDOM.uniform(size=X.shape) < hole, np.nan, X)
    found = chosen([x[:, 0], X[:, 1], x[:, 1:], CODE], np.exp(X @ [0.2, 1.5, 0.0]) * NOISE)
    assert found


def test_zeros_and_even_targets_are_not():
    y = np.exp(1.5 * X[:, 0])
    assert not chosen([X[:, 0]], np.where(y < 0.1, 0.0, y))
    assert not chosen([X[:, 0]], 100 + X[:, 0])


def test_some_rows_of_a_sorted_file_stand_for_all(monkeypatch):
    monkeypatch.setattr("applied_dl.tasks.tabular.readers.target_scale.MOST_ROWS", 150)
    y = np.exp(X @ [1.0, 0.5, 0.5]) * NOISE
    order = np.concatenate([np.argsort(y[:300]), np.arange(300, 400)])
    seen = []
    monkeypatch.setattr(
        "applied_dl.tasks.tabular.readers.target_scale._trees", lambda x, y, held: seen.append(y) or np.full(len(held), y.mean())
    )
    chosen([*X[order].T], y[order])
    assert len(seen[0]) == 150
    assert seen[0].max() > np.sort(y[:300])[-3]
