"""Exact search in blocks: the answers of a whole sort, in little memory."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError, UsageError
from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.sentences.predict import SentenceIndex
from applied_dl.tasks.words.vectors import WordVectors
from applied_dl.text import nearest
from applied_dl.text.nearest import nearest_rows


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 9), st.integers(0, 40), st.integers(1, 50), st.integers(1, 5), st.integers(1, 30), st.integers(0, 99))
def test_blocks_find_what_a_whole_sort_finds(queries, rows, count, block, cells, seed):
    rng = np.random.default_rng(seed)
    asked, table = rng.normal(size=(queries, 3)).astype(np.float32), rng.normal(size=(rows, 3)).astype(np.float32)
    out = [rng.integers(0, rows, rng.integers(0, 4)).tolist() if rows else [] for _ in range(queries)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "QUERIES", block)
        patch.setattr(nearest, "CELLS", cells)
        found = nearest_rows(asked, table, count, out)
    assert len(found) == queries
    for query, left_out, (places, scores) in zip(asked, out, found):
        own = table @ query
        wanted = [p for p in np.argsort(-own, kind="stable") if p not in left_out][:count]
        assert places.tolist() == wanted
        np.testing.assert_allclose(scores, own[wanted], rtol=1e-5, atol=1e-6)


def test_memory_grows_with_neither_queries_nor_rows():
    table = np.random.default_rng(0).normal(size=(100_000, 4)).astype(np.float32)
    tracemalloc.start()
    found = nearest_rows(table[:1024], table, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [places[0] for places, _ in found[:5]] == (table[:5] @ table.T).argmax(1).tolist()
    assert peak < 100e6  # all scores and their places would be 1.2 GB


def test_bad_queries_are_one_sentence():
    index = SentenceIndex(["a", "b"], np.eye(2, 3, dtype=np.float32))
    words = WordVectors(["a", "b"], np.eye(2, 3, dtype=np.float32))
    for table in (index, words):
        for bad, message in (
            (np.zeros(3), r"shape \(N, 3\), a row each, received shape \(3,\)"),
            (np.zeros((1, 2)), r"received shape \(1, 2\)"),
            (np.full((1, 3), np.nan), "finite numbers"),
        ):
            with pytest.raises(UsageError, match=message):
                table.nearest(bad)
        for count in (0, -1):
            with pytest.raises(UsageError, match="at least 1"):
                table.nearest(np.ones((1, 3)), count)
    with pytest.raises(UsageError, match=r"one vector a text, received 2 texts and an array of shape \(2,\)"):
        SentenceIndex(["a", "b"], np.zeros(2))
    assert SentenceIndex([], np.zeros((0, 3), np.float32)).nearest(np.ones((2, 3))) == [[], []]


def test_an_index_of_nothing_readable_is_refused():
    class Blind:
        def encode(self, texts):
            return Encoded(inputs={}, kept=[], errors={0: "input 1 is empty; give a text."})

    with pytest.raises(DataError, match="Of 1 texts none can be read, so there is nothing to search: input 1 is empty"):
        SentenceIndex.build(Blind(), [""])
