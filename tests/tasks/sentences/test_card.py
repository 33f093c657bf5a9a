"""The worst examples of a classifier are its confident mistakes."""

from types import SimpleNamespace

import numpy as np

from applied_dl.core.records import Part
from applied_dl.tasks.sentences.card import worst_examples


def part(target) -> Part:
    return Part(inputs={"ids": np.zeros((3, 2), np.int32)}, target=np.array(target), extra={"text": np.array(["one", "two", "three"])})


def test_confident_mistakes_of_a_classifier_come_first():
    encoder = SimpleNamespace(labels=("a", "b"))
    outputs = {"probabilities": np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])}
    assert worst_examples(outputs, part([0, 0, 0]), encoder, {}) == [
        {"true": "a", "predicted": "b (80%)", "text": "three"},
        {"true": "a", "predicted": "b (60%)", "text": "two"},
    ]


def test_texts_with_several_labels_are_ordered_by_wrong_labels():
    encoder = SimpleNamespace(labels=("a", "b"))
    outputs = {"probabilities": np.array([[0.9, 0.1], [0.9, 0.9], [0.9, 0.1]])}
    assert worst_examples(outputs, part([[1, 0], [0, 0], [1, 1]]), encoder, {}) == [
        {"true": "none", "predicted": "a, b", "text": "two"},
        {"true": "a, b", "predicted": "a", "text": "three"},
    ]


def test_pairs_have_no_worst_examples():
    assert worst_examples({"vector": np.zeros((3, 2))}, part([0, 0, 0]), SimpleNamespace(labels=()), {}) == []
