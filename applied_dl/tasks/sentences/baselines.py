"""Baselines of a sentence encoder, fitted on the same texts."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

import numpy as np

from applied_dl.core.records import Scores

MOST = 50_000  # training texts that the baselines are fitted on
COMPONENTS, RANDOM = 200, 300
WORDS = re.compile(r"\w+")


def sentence_baselines(prepared, score: Callable[[dict], Scores]) -> dict[str, Scores]:
    """Vectors of the test texts by TF-IDF, TF-IDF with SVD (LSA) and the mean of random word vectors; or classifiers for labelled texts."""
    rows = np.linspace(0, len(prepared.train) - 1, min(MOST, len(prepared.train))).astype(np.int64)
    train = [str(text) for text in prepared.train.extra["text"][rows]]
    test = [str(text) for text in prepared.test.extra["text"]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if prepared.encoder.labels:
            return _classifiers(prepared, train, prepared.train.target[rows], test, score)
        found = {"mean of random word vectors": score({"vector": _random(test)})}
        plain, reduced = _tfidf(train, test)
        if reduced is not None:
            found["TF-IDF + SVD"] = score({"vector": reduced})
        found["TF-IDF"] = score({"vector": plain})
        return found


def _tfidf(train: list[str], test: list[str]):
    """Dense unit vectors of the test texts: all words of the test, and the leading components of the training texts."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize
    from threadpoolctl import threadpool_limits

    words = TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True).fit(train)
    fitted, held_out = words.transform(train), words.transform(test)
    used = np.unique(held_out.indices)  # columns without a test text change no similarity
    plain = held_out[:, used].toarray().astype(np.float32) if len(used) else np.zeros((len(test), 1), np.float32)
    size = min(COMPONENTS, fitted.shape[1] - 1, fitted.shape[0] - 1)
    if size < 2:
        return plain, None
    with threadpool_limits(1):  # on a busy machine more BLAS threads mostly wait for each other
        reduced = TruncatedSVD(size, n_iter=4, random_state=0).fit(fitted).transform(held_out)
    return plain, normalize(reduced).astype(np.float32)


def _random(texts: list[str]) -> np.ndarray:
    """Means of a random vector for each word, of unit length."""
    words: dict[str, int] = {}
    bags = [[words.setdefault(word, len(words)) for word in WORDS.findall(text.lower())] for text in texts]
    table = np.random.default_rng(0).standard_normal((max(len(words), 1), RANDOM)).astype(np.float32)
    found = np.stack([table[bag].mean(0) if bag else np.zeros(RANDOM, np.float32) for bag in bags])
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def _classifiers(prepared, train, codes, test, score) -> dict[str, Scores]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    classes, several = len(prepared.encoder.labels), prepared.encoder.multi_label
    shares = codes.mean(0) if several else np.bincount(codes, minlength=classes) / len(codes)
    no_vector = np.zeros((len(test), 2), np.float32)
    found = {
        "label shares" if several else "majority label": score(
            {"vector": no_vector, "probabilities": np.tile(shares.astype(np.float32), (len(test), 1))}
        )
    }
    words = TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True, ngram_range=(1, 2), max_features=200_000).fit(train)
    p = np.zeros((len(test), classes), np.float32)
    if several:
        for k in range(classes):
            p[:, k] = _probability(LogisticRegression(C=10, max_iter=300), words.transform(train), codes[:, k], words.transform(test))
    else:
        model = LogisticRegression(C=10, max_iter=300).fit(words.transform(train), codes)
        p[:, model.classes_] = model.predict_proba(words.transform(test))
    plain, reduced = _tfidf(train, test)
    found["TF-IDF + logistic regression"] = score({"vector": reduced if reduced is not None else no_vector, "probabilities": p})
    return found


def _probability(model, train, target: np.ndarray, test) -> np.ndarray:
    """The probability of one label of several; its share where the training texts all have it or none has."""
    if len(np.unique(target)) < 2:
        return np.full(test.shape[0], target.mean(), np.float32)
    return model.fit(train, target).predict_proba(test)[:, 1]
