"""Users that are solved in the graph, against linear algebra; and the graph in TFLite, against Keras."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from applied_dl.tasks.recommend.models.fold_in import FoldIn, Implicit, Ratings


@pytest.mark.parametrize("events", [0, 1, 30, 200])
def test_conjugate_gradients_solve_the_ridge_problem(events):
    random = np.random.default_rng(events)
    items, D = 300, 24
    layer = FoldIn(items, D)
    layer.build()
    factors = np.pad(random.normal(0, 0.3, (items, D)), ((1, 0), (0, 0))).astype(np.float32)
    layer.factors_.assign(factors)
    omega, target = np.zeros((2, items + 1), np.float32), np.zeros((2, items + 1), np.float32)
    for row in range(2):
        some = random.choice(items, events, replace=False) + 1
        omega[row, some] = random.uniform(0.5, 2, events)
        target[row, some] = random.normal(0, 1, events)
    got = np.asarray(layer(omega, target))
    for row in range(2):
        matrix = np.eye(D) + factors.T @ (omega[row][:, None] * factors)
        np.testing.assert_allclose(got[row], np.linalg.solve(matrix, factors.T @ target[row]), atol=2e-4)


def test_a_new_user_of_implicit_factors_is_where_least_squares_puts_a_known_one():
    from applied_dl.tasks.recommend.fit.als import AlsLoop

    random = np.random.default_rng(0)
    users, items = np.nonzero(random.random((60, 40)) < 0.2)
    weights = np.ones(len(users), np.float32)
    loop = AlsLoop(users, items, weights, (60, 40), dimensions=8, confidence=3.0, regularization=2.0, epochs=1, seed=0, minutes=1)
    for _ in range(5):
        loop.sweep()
    with ThreadPoolExecutor(1) as pool:
        loop._solve(0, loop.Q, loop.P, pool)  # the users last, given the final items
    layer = Implicit(40, 8, confidence=3.0)
    layer.build()
    layer.fold.factors_.assign(np.pad(loop.whitened(), ((1, 0), (0, 0))))
    profile = np.zeros((60, 41), np.float32)
    profile[users, items + 1] = 1
    np.testing.assert_allclose(np.asarray(layer(profile))[:, 1:], loop.P @ loop.Q.T, atol=2e-4)


def test_a_user_who_rates_is_moved_from_the_base_and_a_known_one_is_looked_up():
    layer = Ratings(3, 5, 2, precision=2.0)
    layer.build()
    factors = np.array([[0, 0], [1, 0], [1, 0], [0, 1], [0, 1], [1, 1]], np.float32)
    layer.fold.factors_.assign(factors)
    layer.base_.assign(np.array([0, 3, 3, 3, 3, 3], np.float32))
    layer.users_.assign(np.array([[0, 0], [1, 0], [0, -1], [0, 0]], np.float32))
    seen, values = np.zeros((2, 6), np.float32), np.zeros((2, 6), np.float32)
    seen[0, 1], values[0, 1] = 1, 5
    found = np.asarray(layer(np.array([0, 2]), np.array([[1.0], [0.0]], np.float32), values, seen))
    p = 2 * 2 / (1 + 2)  # precision · (5 − 3) / (1 + precision)
    np.testing.assert_allclose(found[0, 1:], [3 + p, 3 + p, 3, 3, 3 + p], atol=1e-5)
    np.testing.assert_allclose(found[1, 1:], [3, 3, 2, 2, 2], atol=1e-6)
