"""The linear classifier of labelled texts: fitted on the features of its own graph, its share decided by validation texts."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from applied_dl.tasks.sentences.encoder import SubwordEncoder, encode_texts, train_tokenizer
from applied_dl.tasks.sentences.fit.linear import INVERSE_PENALTY, fit_linear, linear_share

TOPICS = (["refund", "invoice", "charged"], ["password", "locked", "login"], ["parcel", "courier", "late"])


def texts(count: int, seed: int = 0) -> tuple[list[str], np.ndarray]:
    random = np.random.default_rng(seed)
    codes = random.integers(0, 3, count)
    return [f"please help {random.choice(TOPICS[c])} since {random.choice(TOPICS[c])} thanks" for c in codes], codes


@pytest.fixture(scope="module")
def encoder():
    return SubwordEncoder(length=64, tokenizer=train_tokenizer(texts(200)[0], 300), labels=("a", "b", "c"))


def test_the_graph_answers_as_scikit_learn_on_the_same_features(encoder):
    train, codes = texts(60)
    ids = encode_texts(encoder, train)
    model = fit_linear(encoder, ids, codes)
    logits = np.asarray(model({"ids": ids}))
    pairs = np.asarray(model.get_layer("pairs")(ids))
    squares = model.get_layer("gram_squares").get_weights()[0][:, 0]
    counts = np.stack([np.bincount(row, minlength=len(squares)) for row in pairs]) * (np.arange(len(squares)) > 0)
    features = counts * np.sqrt(squares) / np.sqrt((counts * squares).sum(1, keepdims=True))
    wanted = LogisticRegression(C=INVERSE_PENALTY, max_iter=300).fit(features, codes).predict_proba(features)
    exp = np.exp(logits - logits.max(1, keepdims=True))
    np.testing.assert_allclose(exp / exp.sum(1, keepdims=True), wanted, atol=1e-3)


def test_unseen_texts_are_classified(encoder):
    model = fit_linear(encoder, encode_texts(encoder, texts(24)[0]), texts(24)[1])
    test, codes = texts(200, seed=1)
    assert (np.asarray(model({"ids": encode_texts(encoder, test)})).argmax(1) == codes).mean() > 0.95


def test_two_classes_and_several_labels(encoder):
    train, codes = texts(60)
    ids = encode_texts(encoder, train)
    two = SubwordEncoder(length=64, tokenizer=encoder.tokenizer, labels=("no", "yes"))
    logits = np.asarray(fit_linear(two, ids, (codes > 0).astype(np.int64))({"ids": ids}))
    assert (logits.argmax(1) == (codes > 0)).all()
    target = np.stack([codes == 0, codes != 1, np.ones(60)], 1).astype(np.float32)
    found = np.asarray(fit_linear(encoder, ids, target)({"ids": ids})) > 0
    assert (found == target).all()


def test_few_validation_texts_leave_the_linear_classifier_alone():
    random = np.random.default_rng(0)
    target = random.integers(0, 2, 400)
    good, chance = np.eye(2)[target] * 0.8 + 0.1, np.full((400, 2), 0.5)
    assert linear_share(good[:50], chance[:50], target[:50]) == 1.0
    assert linear_share(good, chance, target) == 0.0
    assert linear_share(chance, good, target) == 1.0
