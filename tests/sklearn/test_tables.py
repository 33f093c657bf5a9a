"""Tables: the fitted estimators are bundles, with intervals, missing cells and classes of any kind."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris

from applied_dl.predictor import load
from applied_dl.sklearn import TabularClassifier, TabularRegressor
from tests.sklearn.recipes import LINEAR


def test_a_regressor_predicts_numbers_with_intervals(tmp_path):
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 3))
    y = X @ [2.0, -1.0, 0.5] + 3
    model = TabularRegressor(recipe=LINEAR, bundle=tmp_path / "b").fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.n_features_in_ == 3
    interval = model.predict_interval(X)
    assert interval.shape == (200, 2)
    assert (interval[:, 0] <= model.predict(X)).all()
    answered = load(tmp_path / "b").predict(pl.DataFrame({f"x{i}": X[:, i] for i in range(3)}))
    assert [one["prediction"] for one in answered] == pytest.approx(model.predict(X).tolist())
    again = pickle.loads(pickle.dumps(model))
    assert again.bundle_ != model.bundle_
    assert np.array_equal(again.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="3 features"):
        model.predict(X[:, :2])
    model.fit(X, -y)  # its own bundle is replaced
    with pytest.raises(ValueError, match="exists already"):
        clone(model).fit(X, y)  # another's is not


def test_a_classifier_takes_frames_with_text_and_missing_cells_and_keeps_its_classes():
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"size": random.normal(size=300), "city": random.choice(["Ulm", "Köln", "Aachen"], 300)})
    y = np.where(frame["city"] == "Ulm", 7, np.where(frame["size"] > 0, 3, 5))
    frame.loc[::10, "size"] = np.nan
    model = TabularClassifier(recipe=LINEAR).fit(frame, y)
    assert model.classes_.tolist() == [3, 5, 7]
    assert model.feature_names_in_.tolist() == ["size", "city"]
    proba = model.predict_proba(frame)
    assert proba.shape == (300, 3)
    assert np.allclose(proba.sum(1), 1)
    assert np.array_equal(model.classes_[proba.argmax(1)], model.predict(frame))
    assert model.score(frame, y) > 0.8
    assert np.array_equal(model.predict(pl.from_dicts(frame.to_dict("records"))), model.predict(frame))


def test_what_cannot_be_learned_is_a_value_error():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="at least 2 classes"):
        TabularClassifier().fit(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match="minimum of 10 is required"):
        TabularRegressor().fit(X[:5], y[:5])
    with pytest.raises(ValueError, match="unknown key 'train.epoch'"):
        TabularClassifier(recipe={"train": {"epoch": 3}}).fit(X, y)
