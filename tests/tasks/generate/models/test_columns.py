"""The autoregressive net: columns see those before them alone, and drawn rows have the probabilities that it gives."""

import itertools

import numpy as np
import pytest

from applied_dl.tasks.generate.models.columns import column_net, cross_entropy, drawing_graph

SIZES = (3, 4, 2)


@pytest.fixture(scope="module")
def net():
    import keras

    keras.utils.set_random_seed(0)
    return column_net(SIZES, width=16)


def probabilities(net, codes: np.ndarray) -> list[np.ndarray]:
    logits = np.split(net({"codes": codes}).numpy(), np.cumsum(SIZES)[:-1], axis=1)
    return [np.exp(one) / np.exp(one).sum(1, keepdims=True) for one in logits]


def test_a_column_sees_those_before_it_alone(net):
    first = np.array([[0, 1, 0], [1, 1, 1], [2, 3, 1]], np.int32)
    for column in range(3):
        changed = first.copy()
        changed[:, column:] = (changed[:, column:] + 1) % np.array(SIZES)[column:]
        for before in range(column + 1):
            np.testing.assert_allclose(probabilities(net, first)[before], probabilities(net, changed)[before], rtol=1e-5)
    changed = first.copy()
    changed[:, 0] = (changed[:, 0] + 1) % 3
    assert not np.allclose(probabilities(net, first)[1], probabilities(net, changed)[1])


def test_probabilities_of_all_rows_sum_to_one(net):
    every = np.array(list(itertools.product(*map(range, SIZES))), np.int32)
    nll = np.asarray(cross_entropy(SIZES)(every, net({"codes": every})))
    assert np.exp(-nll).sum() == pytest.approx(1, abs=1e-5)


def test_drawn_rows_have_the_probabilities_of_the_net(net):
    graph = drawing_graph(net, SIZES)
    latent = np.random.default_rng(0).random((20_000, 6), np.float32)
    found = graph.predict({"latent": latent}, verbose=0, batch_size=4096)
    every = np.array(list(itertools.product(*map(range, SIZES))), np.int32)
    wanted = np.exp(-np.asarray(cross_entropy(SIZES)(every, net({"codes": every}))))
    place = {tuple(row): i for i, row in enumerate(every.tolist())}
    shares = np.bincount([place[tuple(row)] for row in found["codes"].tolist()], minlength=len(every)) / len(latent)
    assert np.abs(shares - wanted).max() < 4 * np.sqrt(wanted.max() / len(latent))
    np.testing.assert_array_equal(found["places"], latent[:, 3:])


def test_the_ends_of_the_latent_give_the_first_and_the_last_code(net):
    graph = drawing_graph(net, SIZES)
    found = graph.predict({"latent": np.array([[0.0] * 6, [1.0] * 6], np.float32)}, verbose=0)
    assert found["codes"].tolist() == [[0, 0, 0], [2, 3, 1]]


def test_codes_before_the_first_are_never_drawn(net):
    graph = drawing_graph(net, SIZES, (1, 2, 0))
    found = graph.predict({"latent": np.random.default_rng(0).random((500, 6), np.float32)}, verbose=0)
    assert found["codes"].min(0).tolist() == [1, 2, 0]
    assert found["codes"].max(0).tolist() == [2, 3, 1]


def test_a_table_of_one_column():
    net = column_net((4,), width=8)
    found = drawing_graph(net, (4,)).predict({"latent": np.random.default_rng(0).random((50, 2), np.float32)}, verbose=0)
    assert found["codes"].shape == (50, 1)
