"""Sampling and SVD++ on planted factors, and what a killed training continues from."""

import numpy as np
import pytest

from applied_dl.tasks.recommend.fit.gibbs import GibbsLoop
from applied_dl.tasks.recommend.fit.rows import grouped, solve_rows
from applied_dl.tasks.recommend.fit.svdpp import SvdppLoop
from applied_dl.tasks.recommend.models.factors import averaged
from applied_dl.training.checkpoints import Keeper
from applied_dl.training.session import Session


def planted(seed=0, shape=(120, 80), noise=0.3):
    random = np.random.default_rng(seed)
    truth = 3 + random.normal(0, 0.5, (shape[0], 1)) + random.normal(0, 0.4, shape[1])
    truth = truth + random.normal(size=(shape[0], 2)) @ random.normal(0, 0.6, (2, shape[1]))
    users, items = np.nonzero(random.random(shape) < 0.4)
    ratings = truth[users, items] + random.normal(0, noise, len(users))
    return users, items, ratings.astype(np.float32), truth


def sampled(**options):
    users, items, ratings, truth = planted()
    usual = {"dimensions": 4, "samples": 10, "epochs": 40, "seed": 0, "minutes": 1.0}
    return GibbsLoop(users, items, ratings, truth.shape, **{**usual, **options}), truth


def train(loop):
    return Session(loop, Keeper(None, "model", 1.0, loop.unit), "model").run()


def test_rows_are_solved_as_linear_algebra_does():
    from concurrent.futures import ThreadPoolExecutor

    random = np.random.default_rng(0)
    rows, other = random.integers(0, 20, 200), random.integers(0, 15, 200)
    side, factors = grouped(rows, other, 20), random.normal(size=(15, 5))
    weight, target, out = random.random(200), random.normal(size=200), np.zeros((20, 5))
    with ThreadPoolExecutor(2) as pool:
        solve_rows(side, weight, target, factors, 2 * np.eye(5), np.ones(5), np.zeros((0, 5)), out, pool)
    for row in range(20):
        at = slice(side.starts[row], side.starts[row + 1])
        f = factors[side.other[at]]
        expected = np.linalg.solve(2 * np.eye(5) + f.T @ (weight[at, None] * f), 1 + f.T @ target[at])
        np.testing.assert_allclose(out[row], expected, atol=1e-9)


def test_sampling_finds_what_was_planted_better_than_means_do():
    loop, truth = sampled()
    history = train(loop)
    assert len(history.rows) == 40
    assert len(loop.members()) == 10
    found = averaged(loop.members(), loop.mean, 10)
    error = np.sqrt(np.mean((found.base + found.users @ found.items.T - truth) ** 2))
    assert error < 0.2  # the noise of one rating is 0.3, the spread of the truth 1
    assert loop.noise_precision() == pytest.approx(1 / 0.3**2, rel=0.15)


def test_a_training_that_was_killed_goes_on_to_the_same_bits(tmp_path):
    whole, _ = sampled(epochs=12)
    train(whole)
    first, _ = sampled(epochs=12)
    for number in range(5):
        first.sweep(number)
        first.done += 1
        if first._keeps(first.done):
            for kept, table in zip(first.kept, first.tables):
                kept.append(table.astype(np.float32))
            first.precisions.append(first.precision)
    arrays, notes = first.state()
    arrays = {name: [np.array(a) for a in group] for name, group in arrays.items()}
    second, _ = sampled(epochs=12)
    second.restore(5, arrays, notes)
    train(second)
    for a, b in zip(whole.members(), second.members(), strict=True):
        np.testing.assert_array_equal(a.users, b.users)
        np.testing.assert_array_equal(a.items, b.items)


def test_svdpp_learns_and_its_best_pass_is_kept():
    users, items, ratings, truth = planted()
    held = np.random.default_rng(1).random(len(users)) < 0.1
    loop = SvdppLoop(
        users[~held], items[~held], ratings[~held], truth.shape, (users[held], items[held], ratings[held]), dimensions=4, penalty=0.02,
        rate=0.02, epochs=30, patience=5, seed=0, minutes=1.0,
    )  # fmt: skip
    history = train(loop)
    assert history.best == min(row["val_rmse"] for row in history.rows)
    assert history.best < 0.6  # the means of users and items leave 1.0
    assert loop._rmse() == pytest.approx(history.best, abs=1e-9)
