"""The tabular task on small tables: one graph for both runtimes, calibrated intervals, classes, imbalance, and keys without effect."""

import numpy as np
import polars as pl
import pytest

import applied_dl
from applied_dl.core import config
from applied_dl.core.errors import UsageError
from applied_dl.core.metrics.calibration import conformal, temperature, threshold
from applied_dl.core.records import Part, Prepared
from applied_dl.models import tabular as builders
from applied_dl.tasks.tabular import predict as infer
from applied_dl.tasks.tabular import task
from applied_dl.tasks.tabular.fit import net as tabular_fit
from applied_dl.tasks.tabular.fit.ensemble import greedy_weights
from applied_dl.tasks.tabular.fit.linear import fit_linear
from applied_dl.tasks.tabular.models.answers import Interval
from applied_dl.tasks.tabular.readers.read import TabularState
from applied_dl.training.losses import loss as make_loss
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes
from tests.tasks.tabular.tables import prepared_with, recipe

SMOOTH, WAVES = {"scale": "quantile"}, {"numeric_embedding": "periodic"}
FAST = {"export": {"formats": ["tflite"], "variants": ["fp32", "fp16"]}}
FASTEST = {"export": {"formats": ["tflite"], "variants": ["fp32"]}}  # where the precisions are not the question


@pytest.mark.parametrize(
    "sections",
    [
        pytest.param({"model": {"heads": 4, "width": 32}, "train": {"epochs": 12}}, id="tabm", marks=pytest.mark.slow),
        pytest.param(
            {
                "model": {"name": "mlp", "width": 32, "activation": "maxout"},
                "train": {"epochs": 8, "loss": "quantile"},
                "preprocess": {"scale": "quantile"},
            },
            id="quantile",
        ),
        pytest.param(
            {
                "model": {"name": "resnet", "width": 24, "depth": 1},
                "train": {"epochs": 8, "loss": "gaussian_nll"},
                "preprocess": {"numeric_embedding": "periodic"},
            },
            id="normal",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"model": {"name": "mlp", "width": 16}, "train": {"epochs": 4, "loss": "huber"}, "preprocess": {"components": 2}},
            id="components",
            marks=pytest.mark.slow,
        ),
        pytest.param({"model": {"name": "realmlp", "width": 16, "depth": 2}, "train": {"epochs": 6}}, id="realmlp", marks=pytest.mark.slow),
        pytest.param(
            {"model": {"members": ["linear", "retrieval"], "width": 16, "memory": 300}, "train": {"epochs": 6}},
            id="retrieval",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_files_answer_as_keras_does_with_the_users_units(table, tmp_path, sections):
    raw = config.as_dict(recipe(table, **sections))
    run = applied_dl.train(raw, out=tmp_path / "b", **FAST)
    exports = {e.variant: e for e in run.manifest.exports}
    assert exports["fp32"].max_rel_diff <= 1e-4
    assert abs(exports["fp16"].metric_drop) < 0.02  # 500,000 and −118.5 survive half precision
    assert run.metrics["test"]["rmse"] < run.manifest.baselines["mean"]["rmse"]
    found = run.predictor().predict([
        {"big area": "500000", "small": -118.5, "kind": "a", "when": "2024-03-01"},
        {"big area": None, "small": None, "kind": "never seen", "when": None},
        {"big area": "much", "small": 1, "kind": "a", "when": "2024-03-01"},
        {"small": 1},
    ])  # fmt: skip
    assert all(f["lower"] <= f["prediction"] <= f["upper"] for f in found[:2])
    assert "column 'big area': expected a finite number, received 'much'" in found[2]["error"]
    assert "lacks 'big area'" in found[3]["error"]


def test_classes_with_a_threshold_and_weights(table, tmp_path):
    train = {"epochs": 4, "class_weights": "balanced"}
    raw = recipe(
        table,
        data={"target": "dear", "ignore": ["price"]},
        model={"name": "mlp", "width": 16},
        calibration={"threshold": "f1"},
        train=train,
    )
    run = applied_dl.train(config.as_dict(raw), out=tmp_path / "b", **FASTEST)
    assert run.metrics["test"]["accuracy"] > 0.7
    assert set(run.manifest.intervals["test"]) == set(run.metrics["test"]) - {"lowest_set_coverage"}  # the least of some has none
    assert set(run.manifest.facts["importance"]) == {"big area", "small", "kind", "when"}
    found = run.predictor().predict(str(table))
    assert len(found) == 600
    assert {f["label"] for f in found} == {"no", "yes"}
    assert all(abs(sum(t["probability"] for t in f["top"]) - 1) < 1e-4 for f in found)


@pytest.mark.parametrize(("kind", "each"), [("over", 7), ("under", 2), ("none", None)])
def test_rare_classes_are_repeated_or_common_ones_cut(kind, each):
    codes = np.array([0] * 7 + [1] * 3 + [2] * 2)
    rows = tabular_fit.balanced(codes, recipes.read_recipe({"task": "tabular", "preprocess": {"balance": kind}}))
    assert np.bincount(codes[rows]).tolist() == ([7, 3, 2] if each is None else [each] * 3)
    assert set(codes[rows]) == {0, 1, 2}
    assert kind == "under" or set(rows) == set(range(12))


def test_a_frame_answers_as_its_file_does(table, tmp_path):
    raw = recipe(table, model={"name": "linear"}, train={"epochs": 3})
    run = applied_dl.train(config.as_dict(raw), out=tmp_path / "b", **FASTEST)
    predictor, frame = run.predictor(), pl.read_csv(table).head(5)
    wanted = predictor.predict(str(table))[:5]
    for one in (frame, frame.to_dicts(), {k: list(v) for k, v in frame.to_dict(as_series=False).items()}):
        got = predictor.predict(one)
        np.testing.assert_allclose([g["prediction"] for g in got], [w["prediction"] for w in wanted], rtol=1e-5)
    given = {"source": pl.read_csv(table, infer_schema_length=None), "target": "price", "ignore": ["dear"]}
    again = applied_dl.train("tabular", out=tmp_path / "f", data=given, model={"name": "linear"}, train={"epochs": 3}, **FASTEST)
    assert again.metrics["test"]["rmse"] == pytest.approx(run.metrics["test"]["rmse"], rel=1e-3)
    with pytest.raises(UsageError, match="not valid JSON"):
        infer.expand_inputs(["{oops"])


def test_members_have_losses_of_their_own_and_are_scored_together():
    y = np.array([[[1.0]], [[0.0]]], np.float32)
    p = np.array([[[0.0], [2.0]], [[1.0], [1.0]]], np.float32)  # (B, 2, 1)
    mse = make_loss("mse")
    np.testing.assert_allclose(np.asarray(tabular_fit.each_member(mse)(y, p)), [1.0, 1.0])
    np.testing.assert_allclose(np.asarray(tabular_fit.ensemble_score(mse, False)(y, p)), [0.0, 1.0])


@pytest.mark.parametrize(("name", "count"), [("linear", 9), ("mlp", 134_145), ("resnet", 486_145), ("tabm", 72_336),
                                            ("realmlp", 134_924), ("retrieval", 68_096)])  # fmt: skip
def test_parameter_counts_are_those_of_the_docstrings(name, count):
    builder = builders.BUILDERS[name]
    assert builder(builders.plain_features(8)).count_params() == count
    assert f"{count:,} parameters" in builder.__doc__


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["robust", "quantile"])
def test_sums_and_differences_of_numbers_are_in_the_file_too(tmp_path, scale):
    random, n = np.random.default_rng(1), 500
    x = random.normal(5e5, 9e4, n)
    z = 3 * x + random.normal(0, 9e4, n)
    frame = pl.DataFrame({"x": [None if i % 13 == 0 else v for i, v in enumerate(x)], "z": z, "y": np.abs(z - 3 * x)})
    made = applied_dl.train("tabular", out=tmp_path / "b", data={"source": frame, "target": "y"}, preprocess={"scale": scale},
                            model={"name": "tabm", "width": 16, "heads": 2}, train={"epochs": 8}, **FAST)  # fmt: skip
    exports = {e.variant: e for e in made.manifest.exports}
    assert exports["fp32"].max_rel_diff <= 1e-4
    assert abs(exports["fp16"].metric_drop) < 0.02


def test_a_simple_member_has_half_of_the_weight_unless_validation_rows_say_otherwise_for_sure():
    random = np.random.default_rng(4)
    truth = random.normal(size=(90, 1))

    def off(by, seed=0):
        return truth + by * np.random.default_rng(seed).normal(size=truth.shape)

    def weights(*answers, simple=True):
        return greedy_weights(list(answers), truth, "mse", False, simple)

    alike = [off(0.5, 1) + own * np.eye(90)[:, :1] for own in (0.1, 0.0, -0.1)]  # they differ in one row: no weights are surely better
    assert weights(*alike) == [0.5, 0.25, 0.25]
    assert weights(off(0.1, 1), off(1.0, 2), off(1.0, 3)) == [1.0, 0.0, 0.0]
    straight = weights(off(1.5, 1), off(0.1, 2), off(0.1, 3))
    assert straight[0] < 0.1
    assert sum(straight) == pytest.approx(1)
    free = weights(off(0.5, 1), off(0.4, 2), off(2.0, 3), simple=False)
    assert free[1] > free[0] > free[2]
    labels = np.eye(2)[random.integers(0, 2, 90)]
    sure, guess = 0.98 * labels + 0.01, np.full((90, 2), 0.5)
    assert greedy_weights([guess, sure], labels, "crossentropy", True, True)[1] > 0.9


@pytest.mark.slow
def test_a_linear_net_is_ridge_or_logistic_regression_where_that_is_better(table):
    resolved, prepared = prepared_with(table, model={"name": "linear"}, train={"epochs": 1, "learning_rate": 1e-6})  # steps alone fail
    raw = fit_linear(resolved, prepared, CheckpointingTrainer(), "m").model.predict(
        tabular_fit.matrices(prepared.encoder, prepared.test.inputs), verbose=0
    )
    y = tabular_fit.targets(prepared, prepared.test)
    ridge = task.baselines(resolved, prepared)["ridge regression"].metrics["r2"]
    assert 1 - np.mean((raw - y) ** 2) / y.var() == pytest.approx(ridge, abs=0.01)
    resolved, prepared = prepared_with(table, data={"target": "dear", "ignore": ["price"]}, model={"name": "linear"},
                                      train={"epochs": 1, "learning_rate": 1e-6})  # fmt: skip
    raw = fit_linear(resolved, prepared, CheckpointingTrainer(), "m").model.predict(
        tabular_fit.matrices(prepared.encoder, prepared.test.inputs), verbose=0
    )
    accuracy = task.baselines(resolved, prepared)["logistic regression"].metrics["accuracy"]
    assert np.mean(raw[:, 0].argmax(1) == prepared.test.target) == pytest.approx(accuracy, abs=0.04)


def test_learned_quantiles_are_widened_or_narrowed_until_the_share_is_right():
    random = np.random.default_rng(0)
    chosen = recipes.read_recipe({"task": "tabular", "train": {"loss": "quantile"}})
    share = []
    for width in (0.2, 1.6449, 5.0):  # far too narrow, right, far too wide
        for _ in range(40):
            truth, new = random.normal(7, 2, 71), random.normal(7, 2, 4000)
            raw = np.tile(np.array([-width, 0.0, width], np.float32), (71, 1, 1))
            known, held = (Part(inputs={"x": y}, target=y) for y in (np.array([5.0, 9.0]), truth))  # of mean 7 and deviation 2
            prepared = Prepared(encoder=None, train=known, validation=held, test=held, fingerprint="", state=TabularState())
            layer = task._interval(chosen, raw, prepared)
            found = layer(raw[:1])
            share.append(np.mean((new >= float(found["lower"][0])) & (new <= float(found["upper"][0]))))
    means = np.mean(np.reshape(share, (3, 40)), axis=1)
    np.testing.assert_allclose(means, 65 / 72, atol=0.02)  # the 65th of 71 scores: 0.903 on average, whatever was learned
    narrow = Interval(kind="quantile", margin=-3.0)(np.array([[[-1.0, 0.0, 5.0]]], np.float32))
    assert float(narrow["lower"][0]) == float(narrow["prediction"][0]) == 0.0


def test_calibration_in_closed_form():
    scores = np.arange(1.0, 100)
    assert conformal(scores, 0.9) == 90.0
    assert conformal(scores[:5], 0.99) == 5.0
    assert conformal(scores, 0.55) == 55.0  # (99 + 1) · 0.55 is 55.000…01 in floating point
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (4000, 3))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    truth = np.array([random.choice(3, p=row) for row in p])
    assert temperature(logits * 2, truth) == pytest.approx(0.5, rel=0.1)
    p = np.linspace(0, 1, 1000)
    rare = (p > 0.9).astype(int)
    assert task._threshold(rare, p, "f1") == pytest.approx(0.9, abs=0.01)
    assert task._threshold(1 - rare, 1 - p, "f1") == pytest.approx(0.1, abs=0.01)  # the first class is the rare one
    assert threshold(p > 0.3, p, "accuracy") == pytest.approx(0.3, abs=0.01)
