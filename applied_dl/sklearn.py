"""scikit-learn estimators: tables, images and labeled texts with `fit`, `predict`, `predict_proba` and `score`.

Each `fit` trains a recipe and exports it; each prediction runs the exported file, so that what was scored is what is shipped. The bundle
of a fitted estimator is the folder `estimator.bundle_`.

Example:
    >>> from applied_dl.sklearn import TabularClassifier
    >>> model = TabularClassifier(recipe={"model": {"preset": "fast"}}, bundle="saved_models/wine").fit(X, y)
    >>> model.predict_proba(X_new)                  # (N, classes)
"""

from __future__ import annotations

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from applied_dl.core import console
from applied_dl.core.cache import cache_folder
from applied_dl.core.errors import AppliedError
from applied_dl.core.fingerprint import fingerprint
from applied_dl.core.packing import pack, unpack
from applied_dl.predictor import Predictor

SPLIT = (0.75, 0.15, 0.1)  # of the rows given to fit: train, validation, test
MIN_ROWS = 10
TARGET = "target"


class _Estimator(BaseEstimator):
    """What the four estimators share: parameters, training into a bundle, and pickling with the bundle inside."""

    _task = ""

    def __init__(
        self,
        recipe: Mapping[str, Mapping[str, Any]] | None = None,
        bundle: str | os.PathLike[str] | None = None,
        random_state: int | np.random.RandomState | None = 0,
        verbose: bool = False,
    ):
        self.recipe = recipe
        self.bundle = bundle
        self.random_state = random_state
        self.verbose = verbose

    def _train(self, data: dict[str, Any]) -> None:
        """Train on `data` (keys of the recipe's section [data]) and load the exported file."""
        from applied_dl.workflows import recipes
        from applied_dl.workflows.train import train

        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31 - 1)
        keys = {"data.split": SPLIT, **{f"data.{key}": value for key, value in data.items()}, "train.seed": int(seed)}
        keys |= recipes.section_overrides(self.recipe or {})
        self._temporary = tempfile.TemporaryDirectory() if self.bundle is None else None
        out = Path(self.bundle) if self.bundle is not None else Path(self._temporary.name) / self._task  # type: ignore[union-attr]
        with console.quieter(not self.verbose):
            try:
                run = train(self._task, out=out, overwrite=str(out) == getattr(self, "bundle_", None), overrides=keys)
            except AppliedError as error:
                raise ValueError(str(error)) from error
        self.bundle_ = str(run.bundle)
        self._predictor = Predictor(run.bundle)

    @property
    def manifest_(self) -> Any:
        """The bundle's manifest: recipe, scores, baselines, warnings, files."""
        return self._predictor.manifest

    def _predictions(self, inputs: Any, **options: Any) -> list[dict[str, Any]]:
        predictor: Predictor = self._predictor
        try:
            predictions = predictor.predict(inputs, **options)
        except AppliedError as error:
            raise ValueError(str(error)) from error
        for row, one in enumerate(predictions):
            if "error" in one:
                raise ValueError(f"Row {row} cannot be predicted: {one['error']}")
        return predictions

    def __getstate__(self) -> dict[str, Any]:
        state = {key: value for key, value in super().__getstate__().items() if key not in ("_predictor", "_temporary")}
        if "_predictor" in self.__dict__:  # fitted
            with tempfile.TemporaryDirectory() as folder:
                state["_archive"] = pack(self.bundle_, str(Path(folder) / "bundle.zip")).read_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        archive = state.pop("_archive", None)
        super().__setstate__(state)
        if archive is not None:
            self._temporary = tempfile.TemporaryDirectory()
            file = Path(self._temporary.name) / "bundle.zip"
            file.write_bytes(archive)
            self.bundle_ = str(unpack(str(file), str(Path(self._temporary.name) / self._task)))
            self._predictor = Predictor(self.bundle_)


class _Classifier(ClassifierMixin, _Estimator, ABC):
    """Classes of any kind: the bundle's labels are their texts."""

    def _fit_classes(self, y: Any) -> list[str]:
        """Learn `classes_`; the label of each row as text."""
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"{type(self).__name__} needs samples of at least 2 classes; y holds one class: {self.classes_[0]!r}.")
        names = [str(label).strip() for label in self.classes_]
        distinct = len({name.lower() for name in names}) == len(names) and all(names)
        self._labels = names if distinct else [f"class {i}" for i in range(len(names))]
        return [self._labels[code] for code in codes]

    def _proba(self, inputs: Any) -> np.ndarray:
        """(N, classes): probabilities in the order of `classes_`."""
        place = {label: i for i, label in enumerate(self._labels)}
        predictions = self._predictions(inputs, top=len(self._labels))
        proba = np.zeros((len(predictions), len(self._labels)))
        for row, one in enumerate(predictions):
            for item in one["top"]:
                proba[row, place[item["label"]]] = item["probability"]
        proba /= proba.sum(axis=1, keepdims=True)
        return proba

    def predict(self, X: Any) -> np.ndarray:
        """The label of each row, (N,)."""
        check_is_fitted(self, "_predictor")
        place = {label: i for i, label in enumerate(self._labels)}
        codes = [place[one["label"]] for one in self._predictions(self._inputs(X))]
        labels: np.ndarray = self.classes_[codes]
        return labels

    def predict_proba(self, X: Any) -> np.ndarray:
        """Calibrated probabilities in the order of `classes_`, (N, classes)."""
        check_is_fitted(self, "_predictor")
        return self._proba(self._inputs(X))

    @abstractmethod
    def _inputs(self, X: Any) -> Any:
        """X as the bundle's predictor takes it, checked."""


def _table(estimator: _Estimator, X: Any, y: Any = None) -> tuple[pl.DataFrame, Any]:
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
    if len(y) != frame.height:
        raise ValueError(f"X has {frame.height} rows and y has {len(y)}; they must have the same length.")
    return frame.with_columns(pl.Series(name, y)), name


class TabularRegressor(RegressorMixin, _Estimator):
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

    Of the rows given to `fit`, 75 % are trained on, 15 % choose the epoch and calibrate the interval, and 10 % verify the exported file
    (`recipe={"data": {"split": …}}` changes it).

    Example:
        >>> model = TabularRegressor().fit(X, y)
        >>> model.predict(X_new)                    # (N,)
        >>> model.predict_interval(X_new)           # (N, 2): lower and upper bound, 90 % by default
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


class TabularClassifier(_Classifier):
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


class ImageClassifier(_Classifier):
    """Images to a class with calibrated probabilities.

    Args and attributes are those of `TabularRegressor` without the names of features; `classes_` holds the classes.

    Example:
        >>> ImageClassifier().fit(images, labels).predict(new_images)     # arrays (N, H, W) or (N, H, W, C), uint8; or paths
    """

    _task = "image"

    def fit(self, X: Any, y: Any) -> Self:
        """Train on images, an array (N, H, W) or (N, H, W, C) of uint8 or a list of paths, and labels y (N,)."""
        labels = self._fit_classes(y)
        if len(labels) != len(X):
            raise ValueError(f"X has {len(X)} images and y has {len(labels)} labels; they must have the same length.")
        images = self._inputs(X)
        folder = cache_folder() / "tables"
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(images[0], np.ndarray):
            array = np.stack(images)
            path = folder / f"{fingerprint(array, *labels)[:32]}.npz"
            np.savez(path, x=array, y=np.array(labels))
            self._train({"source": str(path)})
        else:
            frame = pl.DataFrame({"path": [os.path.abspath(image) for image in images], "label": labels})
            path = folder / f"{fingerprint(frame.write_csv())[:32]}.csv"
            frame.write_csv(path)
            self._train({"source": str(path)})
        return self

    def _inputs(self, X: Any) -> list[Any]:
        if isinstance(X, str) or not hasattr(X, "__len__") or not len(X):
            raise ValueError(f"X must be images, an array (N, H, W[, C]) or a list of paths; received {type(X).__name__}.")
        images = [image if isinstance(image, str | os.PathLike) else np.asarray(image) for image in X]
        if any(isinstance(image, np.ndarray) and image.ndim not in (2, 3) for image in images):
            raise ValueError(f"Each image must have shape (H, W) or (H, W, C); received {np.shape(X)}.")
        return images

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = False, True
        return tags


class TextClassifier(_Classifier):
    """Texts to a class with calibrated probabilities.

    Args and attributes are those of `TabularRegressor` without the names of features; `classes_` holds the classes.

    Example:
        >>> TextClassifier().fit(["so good", "too slow"] * 50, ["praise", "blame"] * 50).predict(["very good"])
    """

    _task = "sentences"

    def fit(self, X: Any, y: Any) -> Self:
        """Train on a list of texts and their labels y (N,)."""
        texts, labels = self._inputs(X), self._fit_classes(y)
        if len(labels) != len(texts):
            raise ValueError(f"X has {len(texts)} texts and y has {len(labels)} labels; they must have the same length.")
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


def _table_tags(tags: Any) -> Any:
    tags.input_tags.allow_nan = True
    return tags
