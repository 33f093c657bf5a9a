"""What the estimators share: parameters, training into a bundle, predictions of its exported file, and pickling with the bundle inside."""

from __future__ import annotations

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from applied_dl.core import console
from applied_dl.core.errors import AppliedError
from applied_dl.core.packing import pack, unpack
from applied_dl.predictor import Predictor

SPLIT = (0.75, 0.15, 0.1)  # of the rows given to fit: train, validation, test


def check_lengths(inputs: int, targets: int, what: str) -> None:
    """Raises `ValueError` where the numbers of inputs (`what` they are) and of targets differ."""
    if inputs != targets:
        raise ValueError(f"X has {inputs} {what} and y has {targets} values; they must have the same length.")


class Estimator(BaseEstimator):
    """The parameters of every estimator, and the bundle that it trains."""

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


class Classifier(ClassifierMixin, Estimator, ABC):
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
