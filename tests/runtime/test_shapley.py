"""Shapley values by sampled orders: exact where the model adds up its parts, complete always, near the enumeration otherwise."""

from itertools import permutations

import numpy as np
import pytest

from applied_dl.runtime.shapley import shapley


def test_parts_that_add_up_are_exact():
    weights = np.random.default_rng(0).normal(size=(12, 3))
    found = shapley(lambda present, order: present @ weights + 5.0, 12)
    np.testing.assert_allclose(found.contributions, weights, atol=1e-9)
    np.testing.assert_allclose(found.base, np.full(3, 5.0))


def test_contributions_sum_to_the_answer_less_that_without_any_part_whatever_the_model():
    random = np.random.default_rng(1)
    weights = random.normal(size=(30, 2))

    def answer(present, order):
        return np.tanh(present @ weights * 3) + (order[:, None] % 4)  # another replacement for each order

    found = shapley(answer, 30)
    np.testing.assert_allclose(found.contributions.sum(0), found.value - found.base, atol=1e-9)


def test_sampled_orders_are_near_all_orders():
    def answer(present, order):
        a, b, c, d = present.T.astype(float)
        return (2 * a * b + c * (1 - d) + 0.5 * d)[:, None]

    exact = np.zeros(4)
    for order in permutations(range(4)):
        present = np.zeros((5, 4), bool)
        for step, part in enumerate(order):
            present[step + 1 :, part] = True
        gains = np.diff(answer(present, np.zeros(5, int))[:, 0])
        exact[list(order)] += gains / 24
    np.testing.assert_allclose(shapley(answer, 4).contributions[:, 0], exact, atol=0.12)


@pytest.mark.parametrize("parts", [1, 2, 3000])
def test_few_and_many_parts(parts):
    found = shapley(lambda present, order: present.sum(1, keepdims=True), parts)
    np.testing.assert_allclose(found.contributions, np.ones((parts, 1)))
