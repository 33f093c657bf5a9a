"""Texts: `TextClassifier`."""

from __future__ import annotations

from typing import Any, Self

import polars as pl

from applied_dl.sklearn.estimator import Classifier, check_lengths


class TextClassifier(Classifier):
    """Texts to a class with calibrated probabilities.

    Args and attributes are those of `TabularRegressor` without the names of features; `classes_` holds the classes.

    Example:
        >>> TextClassifier().fit(["so good", "too slow"] * 50, ["praise", "blame"] * 50).predict(["very good"])
    """

    _task = "sentences"

    def fit(self, X: Any, y: Any) -> Self:
        """Train on a list of texts and their labels y (N,)."""
        texts, labels = self._inputs(X), self._fit_classes(y)
        check_lengths(len(texts), len(labels), "texts")
        self._train({"source": pl.DataFrame({"text": texts, "label": labels}), "kind": "labelled", "column": "text", "target": "label"})
        return self

    def _inputs(self, X: Any) -> list[str]:
        texts = [X] if isinstance(X, str) else list(X)
        if wrong := next((text for text in texts if not isinstance(text, str)), None):
            raise ValueError(f"X must be a list of texts; it holds {type(wrong).__name__}.")
        return texts

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.string = False, True
        return tags
