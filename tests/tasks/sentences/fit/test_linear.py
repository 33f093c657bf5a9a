"""The linear classifier of labelled texts: fitted on the features of its own graph, its share decided by validation texts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from applied_dl.tasks.sentences.encoder import SubwordEncoder, encode_texts, train_tokenizer, vocabulary_of
from applied_dl.tasks.sentences.fit import linear
from applied_dl.tasks.sentences.fit.linear import Choice, fit_linear, linear_share
from applied_dl.text.subwords import english
from applied_dl.text.token_features import character_ngrams

TOPICS = (["refund", "invoice", "charged"], ["password", "locked", "login"], ["parcel", "courier", "late"])


def texts(count: int, seed: int = 0) -> tuple[list[str], np.ndarray]:
    random = np.random.default_rng(seed)
    codes = random.integers(0, 3, count)
    return [f"please help {random.choice(TOPICS[c])} since {random.choice(TOPICS[c])} thanks" for c in codes], codes


@pytest.fixture(scope="module")
def encoder():
    return SubwordEncoder(length=64, tokenizer=train_tokenizer(texts(200)[0], 300), labels=("a", "b", "c"))


def features_of(model, encoder, ids, vectors, scale):
    """What the module's docstring promises, in dense numpy: sub-words, pairs and letters by their rarity, and vectors, over one norm."""
    pairs, size = np.asarray(model.get_layer("pairs")(ids)), encoder.vocabulary
    counts = np.stack([np.bincount(row, minlength=model.get_layer("pairs").rows) for row in pairs]) * 1.0
    counts[:, 0] = 0
    tokens, letters = counts[:, 1 : 1 + size], character_ngrams(vocabulary_of(encoder)).toarray()
    rarity = lambda held: np.log((1 + len(ids)) / (1 + held)) + 1  # noqa: E731
    own = np.where((counts > 0).any(0), rarity((counts > 0).sum(0)), 0)
    letters = letters * rarity(((tokens @ letters) > 0).sum(0))
    held = (tokens > 0).sum(0)
    goal = (held * own[1 : 1 + size] ** 2).sum()
    letters = letters * np.sqrt(goal / (held * (letters**2).sum(1)).sum())
    vectors = scale * vectors * np.sqrt(goal / (held * (vectors**2).sum(1)).sum())
    squares = own**2
    squares[1 : 1 + size] += (letters**2).sum(1) + (vectors**2).sum(1)
    return np.hstack([counts * own, tokens @ letters, tokens @ vectors]) / np.sqrt(counts @ squares)[:, None]


@pytest.mark.parametrize("dense", [True, False])
def test_the_graph_answers_as_scikit_learn_on_the_same_features(encoder, monkeypatch, dense):
    monkeypatch.setattr(linear, "DENSE", 2000 if dense else 0)
    train, codes = texts(60)
    ids = encode_texts(encoder, train)
    vectors = np.random.default_rng(0).normal(size=(encoder.vocabulary, 5))
    model, choice = fit_linear(encoder, ids, codes, vectors, Choice(0.7, 20.0))
    assert choice == (0.7, 20.0)
    features = features_of(model, encoder, ids, vectors, 0.7)
    wanted = LogisticRegression(C=20.0, max_iter=3000, tol=1e-6).fit(features, codes).predict_proba(features)
    np.testing.assert_allclose(softmax(np.asarray(model({"ids": ids})), axis=1), wanted, atol=1e-3)


def test_unseen_texts_are_classified(encoder):
    model, _ = fit_linear(encoder, encode_texts(encoder, texts(24)[0]), texts(24)[1])
    test, codes = texts(200, seed=1)
    assert (np.asarray(model({"ids": encode_texts(encoder, test)})).argmax(1) == codes).mean() > 0.95


def test_words_that_no_training_text_holds_are_known_by_their_vectors():
    known = english()
    encoder = SubwordEncoder(length=64, tokenizer=known.tokenizer, labels=("animal", "vehicle"))
    train = ["a cat and a horse", "the rabbit", "my dog sleeps", "a car and a bus", "the train", "my truck stops"]
    model, _ = fit_linear(encoder, encode_texts(encoder, train), np.array([0, 0, 0, 1, 1, 1]), known.vectors)
    found = np.asarray(model({"ids": encode_texts(encoder, ["wolf", "goat", "bicycle", "airplane"])})).argmax(1)
    assert found.tolist() == [0, 0, 1, 1]


def test_two_classes_and_several_labels(encoder):
    train, codes = texts(60)
    ids = encode_texts(encoder, train)
    two = SubwordEncoder(length=64, tokenizer=encoder.tokenizer, labels=("no", "yes"))
    logits = np.asarray(fit_linear(two, ids, (codes > 0).astype(np.int64))[0]({"ids": ids}))
    assert (logits.argmax(1) == (codes > 0)).all()
    target = np.stack([codes == 0, codes != 1, np.ones(60)], 1).astype(np.float32)
    found = np.asarray(fit_linear(encoder, ids, target)[0]({"ids": ids})) > 0
    assert (found == target).all()


@given(st.integers(1, 12), st.integers(0, 9))
@settings(max_examples=6, deadline=None)
def test_any_number_of_texts_a_class_gives_finite_weights(few, seed):
    encoder = SubwordEncoder(length=64, tokenizer=train_tokenizer(texts(50)[0], 100), labels=("a", "b", "c"))
    train, codes = texts(few, seed)
    model, _ = fit_linear(encoder, encode_texts(encoder, train), codes)
    logits = np.asarray(model({"ids": encode_texts(encoder, texts(20, seed + 1)[0])}))
    assert np.isfinite(logits).all()
    assert set(logits.argmax(1)) <= set(codes)  # a class that no text has is never the answer


def test_texts_of_few_words_repeat_each_other_and_are_fitted():
    """Texts of six words have far fewer directions than there are texts."""
    random = np.random.default_rng(0)
    codes = random.integers(0, 2, 240)
    train = [" ".join(random.choice(TOPICS[c], random.integers(1, 4))) for c in codes]
    encoder = SubwordEncoder(length=64, tokenizer=english().tokenizer, labels=("a", "b"))
    ids = encode_texts(encoder, train)
    model, _ = fit_linear(encoder, ids, codes, english().vectors, Choice(1.0, 30.0))
    assert (np.asarray(model({"ids": ids})).argmax(1) == codes).all()


def test_weights_of_texts_move_the_decision(encoder):
    ids = encode_texts(encoder, ["help me", "help me", "thanks"])
    codes = np.array([0, 1, 1])
    for weight, wanted in (([5.0, 1.0, 1.0], 0), ([1.0, 5.0, 1.0], 1)):
        model, _ = fit_linear(encoder, ids, codes, choice=Choice(0.0, 10.0), weight=np.array(weight))
        assert int(np.asarray(model({"ids": ids[:1]})).argmax(1)[0]) == wanted


def test_cross_validation_takes_the_vectors_where_they_tell_the_classes(encoder):
    train, codes = texts(90)
    ids = encode_texts(encoder, train)
    random = np.random.default_rng(1)
    telling = np.zeros((encoder.vocabulary, 3))
    for k, words in enumerate(TOPICS):
        telling[encode_texts(encoder, [" ".join(words)])[0], k] = 1
    noise = np.random.default_rng(0).normal(size=(encoder.vocabulary, 40))
    flipped = np.where(random.random(90) < 0.3, random.integers(0, 3, 90), codes)  # some labels are wrong
    assert fit_linear(encoder, ids, flipped, telling)[1].scale >= fit_linear(encoder, ids, flipped, noise)[1].scale


def test_few_validation_texts_leave_the_linear_classifier_alone():
    random = np.random.default_rng(0)
    target = random.integers(0, 2, 400)
    good, chance = np.eye(2)[target] * 0.8 + 0.1, np.full((400, 2), 0.5)
    assert linear_share(good[:50], chance[:50], target[:50]) == 1.0
    assert linear_share(good, chance, target) == 0.0
    assert linear_share(chance, good, target) == 1.0
