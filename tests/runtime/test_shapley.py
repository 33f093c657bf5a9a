"""Shapley values by sampled orders: exact where the model adds up its parts, complete always, near the enumeration otherwise."""

from itertools import permutations

import numpy as np
import pytest

from applied_dl.runtime.shapley import added_up, shapley


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


def test_a_sum_over_the_parts_is_found_exact_and_averaged_over_the_replacements():
    random = np.random.default_rng(2)
    weights, own, others = random.normal(size=(9, 2)), random.normal(size=9), random.normal(size=(4, 9))

    def answer(present, order):
        return (np.where(present, own, others[order % 4]) @ weights + 300.0).astype(np.float32)

    found = added_up(answer, 9, 4)
    np.testing.assert_allclose(found.contributions, (own - others.mean(0))[:, None] * weights, atol=2e-4)
    np.testing.assert_allclose(found.contributions.sum(0), found.value - found.base, atol=1e-12)
    np.testing.assert_allclose(found.base, others.mean(0) @ weights + 300.0, atol=2e-4)
    np.testing.assert_allclose(found.contributions, shapley(answer, 9).contributions, atol=1e-3)  # eight orders of each replacement


@pytest.mark.parametrize(
    "model",
    [
        lambda x: np.tanh(x.sum(1)),
        lambda x: x.sum(1) + 0.01 * x[:, 0] * x[:, 1],
        lambda x: (x[:, 0] > 0.5) ^ (x[:, 1] > 0.5),  # no part changes it alone from nothing to all
        lambda x: np.full(len(x), np.nan),
    ],
)
def test_what_is_no_sum_over_the_parts_is_not_taken_for_one(model):
    assert added_up(lambda present, order: model(present.astype(float)).astype(float)[:, None], 6) is None


def test_an_answer_that_no_part_changes_has_no_contributions():
    found = added_up(lambda present, order: np.full((len(present), 1), 7.0), 5)
    assert not found.contributions.any()
    assert found.base == found.value == 7.0
