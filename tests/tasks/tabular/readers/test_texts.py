"""Columns of short texts: names that say something about the target are read by words and groups of letters, others are left out."""

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from applied_dl.io.terms import TermScores, score_texts, terms_and_characters
from applied_dl.tasks.tabular.readers.texts import learn_names
from tests.tasks.tabular.tables import learned

MAKERS = ("fordor", "toyama", "pegasus", "volta")


def names(count: int, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Different names of products, of which the maker alone decides."""
    random = np.random.default_rng(seed)
    maker = random.integers(0, 4, count)
    return [f"{MAKERS[m]}{random.integers(10, 99)} {chr(97 + i % 26)}{i}" for i, m in enumerate(maker)], maker


@pytest.mark.parametrize("classes", [True, False])
def test_names_that_matter_are_read_and_others_are_left_out(classes):
    texts, maker = names(300)
    random = np.random.default_rng(1)
    y = [f"class {m // 2}" for m in maker] if classes else maker + 0.3 * random.normal(size=300)
    frame = pl.DataFrame({"name": texts, "other": [f"{a:x} {b:x}" for a, b in random.integers(1e8, 1e9, (300, 2))],
                          "x": random.normal(size=300), "y": y})  # fmt: skip
    encoder, notes = learned(frame)
    assert {c.name: c.kind for c in encoder.columns} == {"name": "text", "x": "number"}
    assert "300 different texts" in encoder.dropped["other"]
    assert any("words and groups of letters" in note for note in notes)
    column = encoder.columns[0]
    new, truth = names(100, seed=2)
    scores = score_texts(pl.Series(new), column.scores)[:, 0]
    assert abs(np.corrcoef(scores, truth // 2 if classes else truth)[0, 1]) > 0.8


def test_few_names_are_never_read():
    texts, maker = names(60)
    assert learn_names(pl.Series(texts), maker[:, None].astype(float), 0) is None


def test_scores_are_those_of_tf_idf_with_the_same_terms():
    texts, _ = names(40)
    vectors = TfidfVectorizer(analyzer=terms_and_characters, sublinear_tf=True)
    x = vectors.fit_transform(texts)
    weights = np.random.default_rng(3).normal(size=(1, x.shape[1]))
    model = TermScores(terms=tuple(vectors.get_feature_names_out()), idf=tuple(vectors.idf_), weights=(tuple(weights[0]),), bias=(0.5,),
                       characters=True)  # fmt: skip
    np.testing.assert_allclose(score_texts(pl.Series(texts), model)[:, 0], (x @ weights.T)[:, 0] + 0.5, rtol=1e-4, atol=1e-5)
    assert terms_and_characters("Ab c") == ["ab", "c", "ab c", "…_ab", "…ab_", "…_ab_", "…_c_"]
