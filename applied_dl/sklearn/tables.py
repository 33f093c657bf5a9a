"""Tables: `TabularRegressor` and `TabularClassifier`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from applied_dl.sklearn.estimator import Classifier, Estimator, check_lengths

MIN_ROWS = 10
TARGET = "target"


def _table(estimator: Estimator, X: Any, y: Any = None) -> tuple[pl.DataFrame, Any]:
    """Features as a polars frame with text names, and y; checked as scikit-learn does. Frames keep their columns of texts and dates."""
    if hasattr(X, "columns") and not hasattr(X, "tocsr"):
        given = {"X": X, "skip_check_array": True, "reset": y is not None}
        validate_data(estimator, **given, **({"y": y} if y is not None else {}))
        from applied_dl.io.tables import read_table

        frame = read_table(X).frame.rename(str)
    else:
        options: dict[str, Any] = {"dtype": None, "ensure_all_finite": "allow-nan"}
        if y is not None:
            X, y = validate_data(estimator, X, y, ensure_min_samples=MIN_ROWS, y_numeric=isinstance(estimator, RegressorMixin), **options)
        else:
            X = validate_data(estimator, X, reset=False, **options)
        if X.dtype.kind in "OUS":  # objects that are numbers are numbers
            frame = pl.DataFrame({f"x{i}": pl.Series(X[:, i].tolist(), strict=False) for i in range(X.shape[1])})
        else:
            if X.dtype.kind == "c":
                raise ValueError("Complex data not supported")
            frame = pl.DataFrame({f"x{i}": X[:, i] for i in range(X.shape[1])}).fill_nan(None)
    return frame, y


def _with_target(frame: pl.DataFrame, y: Sequence[Any]) -> tuple[pl.DataFrame, str]:
    """The frame with its target in a column of a name that no feature has."""
    name = TARGET
    while name in frame.columns:
        name += "_"
    check_lengths(frame.height, len(y), "rows")
    return frame.with_columns(pl.Series(name, y)), name


class TabularRegressor(RegressorMixin, Estimator):
    """A table of numbers, categories, dates and missing cells to a number with a prediction interval.

    Args:
        recipe: Sections of a recipe, such as `{"model": {"preset": "best"}, "train": {"epochs": 50}}`.
        bundle: Folder of the bundle to write; a temporary one by default.
        random_state: Seed of the split, the weights and the order of the rows.
        verbose: Print the progress of the training on stderr.

    Attributes:
        bundle_: Folder of the bundle.
        n_features_in_: Number of columns.
        feature_names_in_: Their names, where X had names of text.

    Of the rows given to `fit`, 75% are trained on, 15% choose the epoch and calibrate the interval, and 10% verify the exported file
    (`recipe={"data": {"split": …}}` changes it).

    Example:
        >>> model = TabularRegressor().fit(X, y)
        >>> model.predict(X_new)                    # (N,)
        >>> model.predict_interval(X_new)           # (N, 2): lower and upper bound, 90% by default
    """

    _task = "tabular"

    def fit(self, X: Any, y: Any) -> Self:
        """Train on X (N, F), a frame or an array, and y (N,)."""
        frame, y = _table(self, X, y)
        frame, target = _with_target(frame, column_or_1d(y, warn=True).astype(np.float64))
        self._train({"source": frame, "target": target, "kind": "regression"})
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The prediction of each row, (N,)."""
        check_is_fitted(self, "_predictor")
        return np.array([one["prediction"] for one in self._predictions(_table(self, X)[0])])

    def predict_interval(self, X: Any) -> np.ndarray:
        """Lower and upper bound of each row's interval, (N, 2); its share of truths is the recipe's `calibration.coverage`."""
        check_is_fitted(self, "_predictor")
        return np.array([[one["lower"], one["upper"]] for one in self._predictions(_table(self, X)[0])])

    def __sklearn_tags__(self) -> Any:
        return _table_tags(super().__sklearn_tags__())


class TabularClassifier(Classifier):
    """A table of numbers, categories, dates and missing cells to a class with calibrated probabilities.

    Args and attributes are those of `TabularRegressor`; `classes_` holds the classes in the order of `predict_proba`.

    Example:
        >>> TabularClassifier(random_state=1).fit(X, y).predict_proba(X_new)        # (N, classes)
    """

    _task = "tabular"

    def fit(self, X: Any, y: Any) -> Self:
        """Train on X (N, F), a frame or an array, and labels y (N,)."""
        frame, y = _table(self, X, y)
        frame, target = _with_target(frame, self._fit_classes(y))
        self._train({"source": frame, "target": target, "kind": "classification"})
        return self

    def _inputs(self, X: Any) -> pl.DataFrame:
        return _table(self, X)[0]

    def __sklearn_tags__(self) -> Any:
        return _table_tags(super().__sklearn_tags__())


def _table_tags(tags: Any) -> Any:
    tags.input_tags.allow_nan = True
    return tags
