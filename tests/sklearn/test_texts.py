"""Labeled texts."""

import numpy as np
import pytest

from applied_dl.sklearn import TextClassifier
from tests.sklearn.recipes import EXPORT


@pytest.mark.slow
def test_labeled_texts():
    random = np.random.default_rng(2)
    words = {"praise": ["good", "fine", "great", "lovely"], "blame": ["bad", "slow", "broken", "poor"]}
    labels = random.choice(["praise", "blame"], 240)
    texts = [f"it was {' and '.join(random.choice(words[label], 3))} on day {i}" for i, label in enumerate(labels)]
    recipe = {"model": {"name": "static", "dimensions": 16}, "train": {"epochs": 8}, "export": EXPORT}
    model = TextClassifier(recipe=recipe).fit(texts, labels)
    assert model.predict(["good and great", "slow and broken"]).tolist() == ["praise", "blame"]
    assert model.score(texts, labels) > 0.9
    with pytest.raises(ValueError, match="list of texts"):
        model.predict([3])
