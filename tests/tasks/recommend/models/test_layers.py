"""The history of a user as a row over all items, and the best of the others, against numpy."""

import numpy as np

from applied_dl.tasks.recommend.models.graph import similar_items
from applied_dl.tasks.recommend.models.layers import Profile, Weigh
from applied_dl.tasks.recommend.readers.parts import weigh
from applied_dl.tasks.recommend.scores import ranked


def test_a_profile_is_the_mean_of_what_comes_twice_and_knows_no_padding():
    found = Profile(4)(np.array([[2, 2, 0, 0], [1, 4, 3, 0]], np.int32), np.array([[1, 3, 9, 9], [5, 0, -1, 9]], np.float32))
    np.testing.assert_allclose(found["values"], [[0, 0, 2, 0, 0], [0, 5, 0, -1, 0]])
    np.testing.assert_allclose(found["seen"], [[0, 0, 1, 0, 0], [0, 1, 0, 1, 1]])


def test_weights_in_the_graph_are_those_that_the_model_is_fitted_to():
    values = np.array([[0, 0, 1, 3, 4, 100]], np.float32)
    seen = np.array([[0, 1, 1, 1, 1, 1]], np.float32)
    for liked in (None, 3.0):
        for log in (False, True):
            got = np.asarray(Weigh(liked, log)({"values": values, "seen": seen}))
            np.testing.assert_allclose(got[0, 1:], weigh(values[0, 1:], liked, log), rtol=1e-6)


def small_graph(users=3, items=6, top=4):
    """Known users with events 1: {1, 2}, 2: {3}, 3: none."""
    model = similar_items(users, items, events=3, longest=2, top=top)
    random = np.random.default_rng(0)
    matrix = np.pad(random.random((items, items)), ((1, 0), (1, 0))).astype(np.float32)
    model.get_layer("scores").similarity_.assign(matrix)
    model.get_layer("seen").assign(np.array([0, 0, 2, 3, 3]), np.array([1, 2, 3]), np.ones(3))
    model.get_layer("top").blocked_.assign(np.array([1, 0, 0, 0, 0, 0, 1], np.float32))
    return model, matrix


def ask(model, user, items):
    width = max(len(items), 1)
    rows = np.zeros((1, width), np.int32)
    rows[0, : len(items)] = items
    inputs = {
        "user": np.array([user], np.int32),
        "items": rows,
        "values": np.ones((1, width), np.float32),
        "ask": np.array([[4]], np.int32),
    }
    return {name: np.asarray(value) for name, value in model(inputs).items()}


def test_a_user_by_id_and_by_their_items_gets_the_same_and_never_what_they_had():
    model, matrix = small_graph()
    known, new = ask(model, 1, []), ask(model, 0, [2, 1])
    for name in known:
        np.testing.assert_allclose(known[name], new[name], rtol=1e-6)
    scores = matrix[[1, 2]].sum(0)
    seen = np.array([[1, 1, 1, 0, 0, 0, 1]])
    expected = ranked(scores[None], seen, 4)
    np.testing.assert_array_equal(known["items"], expected["items"])
    assert known["items"][0].tolist()[3] == 0  # three items are left: 4 and 5 and 3
    np.testing.assert_allclose(known["asked"][0, 0], scores[4], rtol=1e-6)


def test_what_a_known_user_had_and_what_comes_with_the_question_count_together():
    model, _ = small_graph()
    both, given = ask(model, 2, [1]), ask(model, 0, [3, 1])
    np.testing.assert_array_equal(both["items"], given["items"])


def test_nobody_gets_all_items_with_scores_of_zero():
    model, _ = small_graph()
    assert sorted(ask(model, 3, [])["items"][0].tolist()) == [1, 2, 3, 4]
    np.testing.assert_allclose(ask(model, 0, [])["scores"], 0)
