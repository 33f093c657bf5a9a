"""The scikit-learn estimators keep scikit-learn's conventions, and each fitted one is a bundle."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.utils.estimator_checks import check_estimator

from applied_dl.predictor import load
from applied_dl.sklearn import ImageClassifier, TabularClassifier, TabularRegressor, TextClassifier

EXPORT = {"formats": ["tflite"], "variants": ["fp32"], "max_metric_drop": 1.0}
LINEAR = {"model": {"name": "linear"}, "train": {"epochs": 5}, "export": EXPORT}
FEW_ROWS = "30 rows of few different ones leave no validation part: equal rows stay together, and the package refuses to train"
EXPECTED_FAILURES = {
    "check_pipeline_consistency": FEW_ROWS,
    "check_estimators_pickle": FEW_ROWS,
    "check_fit2d_1feature": "the refusal of 10 rows names the rows, not the feature",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", [TabularRegressor, TabularClassifier])
def test_the_estimators_for_tables_pass_the_checks_of_scikit_learn(kind):
    results = check_estimator(kind(recipe=LINEAR), on_fail=None, expected_failed_checks=EXPECTED_FAILURES)
    failed = {result["check_name"]: repr(result["exception"]) for result in results if result["status"] == "failed"}
    assert failed == {}
    assert sum(result["status"] == "passed" for result in results) > 40


@pytest.mark.parametrize("kind", [ImageClassifier, TextClassifier])
def test_the_estimators_of_other_inputs_pass_the_checks_that_apply(kind):
    results = check_estimator(kind(), on_fail=None, on_skip=None)
    assert {result["status"] for result in results} <= {"passed", "skipped"}


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


@pytest.mark.slow
def test_images_as_arrays_and_as_files(tmp_path):
    from PIL import Image

    digits = load_digits(n_class=3)
    images = (digits.images * 15).astype(np.uint8)
    recipe = {"model": {"name": "mlp", "hidden": [16]}, "train": {"epochs": 3}, "export": EXPORT}
    model = ImageClassifier(recipe=recipe).fit(images, digits.target)
    assert model.score(images, digits.target) > 0.9
    assert model.predict_proba(images[:2]).shape == (2, 3)
    paths = []
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
        paths.append(str(tmp_path / f"{i}.png"))
    names = np.array(["zero", "one", "two"])[digits.target]
    assert ImageClassifier(recipe=recipe).fit(paths, names).score(paths, names) > 0.9
    with pytest.raises(ValueError, match="must have shape"):
        model.predict(np.zeros((2, 5)))


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
