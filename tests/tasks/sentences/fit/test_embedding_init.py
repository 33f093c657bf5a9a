"""Where a table of sub-words starts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.tasks.sentences.fit.embedding_init import COMMON, initialize_embedding, rarity, svd_embedding, text_of, without_common
from applied_dl.text.models.static import static

RNG = np.random.default_rng(0)


def test_rare_tokens_start_long():
    ids = np.array([[1, 2, 2], [1, 3, 0], [1, 2, 0], [1, 4, 0]] * 5, np.int32)
    wanted = np.log(20 / (1 + np.array([20, 10, 5, 5]))).clip(0.1)  # in how many of the 20 texts; twice in a text counts once
    found = rarity(ids, 6, 0)
    np.testing.assert_allclose(found[1:5] / found[4], wanted / wanted[3], rtol=1e-5)


def worlds(texts: int = 800, length: int = 8) -> np.ndarray:
    """Texts of tokens 1 to 8, of tokens 9 to 16, …: ten worlds that never meet."""
    return (RNG.integers(1, 9, (texts, length)) + 8 * RNG.integers(0, 10, (texts, 1))).astype(np.int32)


def test_tokens_of_one_company_start_near_each_other():
    table = RNG.normal(size=(82, 64)).astype(np.float32)
    found = svd_embedding(table, worlds(), 0, 0)[1:81]
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    together = np.arange(80)[:, None] // 8 == np.arange(80) // 8
    cosine = unit @ unit.T
    assert cosine[together & ~np.eye(80, dtype=bool)].mean() > cosine[~together].mean() + 0.1


def test_the_mean_length_of_what_occurs_stays():
    table = RNG.normal(size=(90, 16)).astype(np.float32)
    ids = worlds()
    used = np.unique(ids)
    found = svd_embedding(table, ids, 0, 0)
    assert np.linalg.norm(found[used], axis=1).mean() == pytest.approx(np.linalg.norm(table[used], axis=1).mean(), rel=1e-4)
    assert np.isfinite(found).all()
    assert (np.linalg.norm(found, axis=1) > 0).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 12), st.integers(1, 9), st.integers(2, 30), st.integers(4, 40))
def test_few_texts_few_tokens_and_wide_tables_are_no_trouble(texts, length, size, dimensions):
    ids = np.random.default_rng(texts).integers(0, size, (texts, length)).astype(np.int32)
    ids[0, 0] = 1
    found = svd_embedding(np.random.default_rng(1).normal(size=(size, dimensions)).astype(np.float32), ids, 0, 0)
    assert found.shape == (size, dimensions)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_a_stream_holds_each_text_by_itself():
    text = text_of(np.array([[0, 0, 0], [3, 1, 0], [2, 2, 2]], np.int32), 0, 4)
    assert text.ids.tolist() == [3, 1, 2, 2, 2]
    assert text.ends.tolist() == [2, 5]
    assert text.counts.tolist() == [0, 1, 3, 1]


def test_what_all_texts_share_is_gone():
    """Against a principal component analysis by SVD."""
    table, vectors = RNG.normal(size=(30, 256)).astype(np.float32), RNG.normal(size=(2000, 256)).astype(np.float32)
    vectors[:, :COMMON] *= 9
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    top = np.linalg.svd(unit - unit.mean(0), full_matrices=False)[2][:COMMON]
    found = without_common(table, vectors)
    np.testing.assert_allclose(found @ top.T, 0, atol=1e-4)
    np.testing.assert_allclose(found, table - table @ top.T @ top, atol=1e-4)


@pytest.mark.parametrize("how", ["random", "svd"])
def test_a_table_starts_anew_and_the_same_for_a_seed(how):
    ids = np.random.default_rng(0).integers(0, 40, (60, 7)).astype(np.int32)
    found = []
    for _ in range(2):
        model = static(40, dimensions=16, seed=0)
        before = model.get_layer("table").embeddings.numpy()
        initialize_embedding(model, ids, 0, how, seed=3)
        found.append(model.get_layer("table").embeddings.numpy())
    assert not np.allclose(found[0], before)
    np.testing.assert_array_equal(*found)
