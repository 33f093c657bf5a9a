"""The linear n-gram classifier: what its graph computes is TF-IDF over sub-words and pairs, whatever the padding."""

import keras
import numpy as np

from applied_dl.text.models.ngrams import MULTIPLIER, TokenPairs, linear_ngrams

V, B = 20, 16


def test_tokens_and_pairs_have_their_rows():
    ids = np.array([[3, 5, 5, 0, 0], [7, 0, 0, 0, 0]], np.int32)
    found = np.asarray(TokenPairs(V, B)(ids))
    pair = lambda a, b: 1 + V + (a * MULTIPLIER + b) % B  # noqa: E731
    assert found.tolist() == [[4, 6, 6, 0, 0, pair(3, 5), pair(5, 5), 0, 0, 0], [8, 0, 0, 0, 0, 0, 0, 0, 0, 0]]
    assert found.max() < TokenPairs(V, B).rows


def test_the_start_and_the_end_of_a_text_form_pairs_too():
    pair = lambda a, b: 1 + V + (a * MULTIPLIER + b) % B  # noqa: E731
    layer = TokenPairs(V, B, edges=True)
    found = np.asarray(layer(np.array([[3, 5, 0], [7, 4, 6], [0, 0, 0]], np.int32)))
    assert found[0].tolist() == [4, 6, 0, pair(V, 3), pair(3, 5), pair(5, V), 0]
    assert found[1].tolist() == [8, 5, 7, pair(V, 7), pair(7, 4), pair(4, 6), pair(6, V)]
    assert not found[2].any()
    assert found.shape == tuple(layer.compute_output_spec(keras.KerasTensor((3, 3), "int32")).shape)


def test_logits_are_the_weights_over_the_norm_and_padding_changes_nothing():
    random = np.random.default_rng(0)
    model = linear_ngrams(V, 3, buckets=B)
    rows = 1 + V + B
    weights, squares = random.normal(size=(rows, 3)).astype(np.float32), random.uniform(0.5, 2, (rows, 1)).astype(np.float32)
    weights[0] = squares[0] = 0
    bias = random.normal(size=3).astype(np.float32)
    for name, values in (("gram_weights", weights), ("gram_squares", squares), ("gram_logits", bias)):
        model.get_layer(name).set_weights([values])
    ids = np.array([[3, 5, 9]], np.int32)
    used = np.asarray(TokenPairs(V, B, edges=True)(ids))[0]
    wanted = weights[used].sum(0) / np.sqrt(squares[used].sum()) + bias
    np.testing.assert_allclose(np.asarray(model({"ids": ids}))[0], wanted, rtol=1e-5)
    np.testing.assert_allclose(np.asarray(model({"ids": np.pad(ids, ((0, 0), (0, 6)))}))[0], wanted, rtol=1e-5)
    np.testing.assert_allclose(np.asarray(model({"ids": np.zeros((1, 4), np.int32)}))[0], bias, rtol=1e-5)


def test_the_layers_come_back_from_their_configuration(tmp_path):
    model = linear_ngrams(V, 2, buckets=B, padding=1)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    ids = np.array([[3, 1, 1]], np.int32)
    np.testing.assert_array_equal(np.asarray(again({"ids": ids})), np.asarray(model({"ids": ids})))
