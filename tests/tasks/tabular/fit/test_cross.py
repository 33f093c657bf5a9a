"""Small tables: solved members beside scikit-learn, out-of-fold predictions that know nothing of their rows, weights, refit, resume."""

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

import applied_dl
from applied_dl.core.splits import fold_rows
from applied_dl.tasks.tabular import task
from applied_dl.tasks.tabular.fit.closed import MEMBERS, Rows, Task, crossed_means, mean_tables, with_means
from applied_dl.tasks.tabular.fit.solve import PENALTIES, STRENGTHS, linear_path
from applied_dl.tasks.tabular.models.flat import Flat
from applied_dl.tasks.tabular.models.numeric import fit_numbers
from applied_dl.training.trainer import CheckpointingTrainer
from tests.tasks.tabular.tables import prepared_with

FAST = {"export": {"formats": ["tflite"], "variants": ["fp32", "fp16"]}}


def test_the_paths_are_ridge_and_logistic_regression():
    random = np.random.default_rng(0)
    x = random.normal(3, 2, (90, 4))
    y = x @ random.normal(size=(4, 2)) + random.normal(size=(90, 2))
    scaled = (x - x.mean(0)) / x.std(0)
    for k, one in enumerate(linear_path(x, y, False)):
        np.testing.assert_allclose(one.predict(x), Ridge(PENALTIES[k]).fit(scaled, y).predict(scaled), rtol=1e-6, atol=1e-8)
    for labels in ((y[:, 0] > y[:, 0].mean()).astype(int), np.digitize(y[:, 0], np.quantile(y[:, 0], (0.3, 0.6)))):
        known = np.eye(labels.max() + 2)[labels]  # of the last class there is no row
        one = linear_path(x, known, True, only=3)[0]
        wanted = LogisticRegression(C=STRENGTHS[3], max_iter=1000).fit(scaled, labels).predict_proba(scaled)
        p = np.exp(one.predict(x))
        np.testing.assert_allclose((p / p.sum(1, keepdims=True))[:, :-1], wanted, atol=0.01)


def test_means_of_a_training_row_leave_out_its_own_target():
    codes = np.arange(60, dtype=np.int32)[:, None] % 30 + 2  # two rows of each level
    y = np.random.default_rng(1).normal(size=(60, 1))
    known = Task(Flat(numbers=None, levels=(32,), width=1), False, 0)
    rows = Rows(np.zeros((60, 0), np.float32), codes, y, np.arange(60))
    own, crossed = with_means(known, rows, mean_tables(known, codes, y)).x[:, 0], crossed_means(known, rows).x[:, 0]
    assert np.corrcoef(own, y[:, 0])[0, 1] > 0.5
    assert abs(np.corrcoef(crossed, y[:, 0])[0, 1]) < 0.5
    table = mean_tables(known, codes, y)[0]
    assert table[0] == table[1] == 0  # unknown and absent: the mean of all rows
    np.testing.assert_allclose(table[2, 0], (y[[0, 30], 0] - y.mean()).sum() / 7, rtol=1e-5)  # five rows of the mean are added


def test_means_of_a_training_row_leave_out_the_targets_of_its_copies():
    codes = np.repeat(np.arange(30), 2).astype(np.int32)[:, None] + 2  # the rows of a level are copies of each other
    y = np.repeat(np.random.default_rng(1).normal(size=(30, 1)), 2, axis=0)
    known = Task(Flat(numbers=None, levels=(32,), width=1), False, 0)
    rows = Rows(np.zeros((60, 0), np.float32), codes, y, np.arange(60))
    assert np.corrcoef(crossed_means(known, rows).x[:, 0], y[:, 0])[0, 1] > 0.5
    found = crossed_means(known, rows._replace(units=np.repeat(np.arange(30), 2))).x
    np.testing.assert_array_equal(found, 0)  # of its level, a row knows nothing


@pytest.mark.parametrize("classes", [False, True])
def test_the_trees_that_were_chosen_predict_what_their_candidate_did(classes):
    random = np.random.default_rng(6)
    x, held = random.normal(size=(2, 260, 4)).astype(np.float32)
    signal, truth = (np.abs(one[:, :1]) + one[:, 1:2] * one[:, 2:3] + 0.3 * random.normal(size=(260, 1)) for one in (x, held))
    y, y_held = ((np.eye(2)[(one[:, 0] > 0.7).astype(int)] if classes else one) for one in (signal, truth))
    numbers = fit_numbers(x, "standard")
    known = Task(Flat(numbers=numbers, levels=(), width=1), classes, 0)
    rows, others = (Rows(one, np.zeros((260, 0), np.int32), target, np.arange(260)) for one, target in ((x, y), (held, y_held)))
    candidates = MEMBERS["trees"].candidates(known, rows, others)
    for k in (1, len(candidates) // 2 + 2):  # a few shallow trees, a few deep ones
        found = MEMBERS["trees"].chosen(known, rows, k).predict(held)
        np.testing.assert_allclose(found, candidates[k], rtol=1e-4, atol=1e-5)


def test_folds_keep_groups_and_shares():
    random = np.random.default_rng(4)
    groups, labels = random.integers(0, 40, 200), None
    fold = fold_rows(200, 5, 0, groups=groups)
    assert all(len(set(fold[groups == one])) == 1 for one in set(groups))
    assert max(np.bincount(fold)) <= 200 / 5 + max(np.bincount(groups))
    labels = np.array([0] * 150 + [1] * 50)
    fold = fold_rows(200, 5, 0, strata=labels)
    assert np.bincount(fold[labels == 1]).tolist() == [10] * 5
    assert np.bincount(fold).tolist() == [40] * 5


@pytest.mark.parametrize("target", ["price", pytest.param("dear", marks=pytest.mark.slow)])
def test_the_shipped_file_saw_all_rows_and_the_scores_are_of_one_that_did_not(table, tmp_path, target):
    data = {"source": str(table), "target": target, "ignore": ["dear" if target == "price" else "price"]}
    run = applied_dl.train("tabular", out=tmp_path / "b", data=data, **FAST)
    exports = {e.variant: e for e in run.manifest.exports}
    assert exports["fp32"].max_rel_diff <= 1e-4
    assert abs(exports["fp16"].metric_drop) < 0.03
    assert any("fitted again on all rows" in text for text in run.manifest.warnings)
    assert set(run.manifest.facts["weights"]) == {"linear", "waves", "trees"} | ({"kernel"} if target == "price" else set())
    assert any("hold the training rows" in text for text in run.manifest.warnings) == (run.manifest.facts["weights"].get("kernel", 0) > 0)
    main = "rmse" if target == "price" else "log_loss"
    held, test = (run.metrics[part][main] for part in ("validation", "test"))
    assert 0.3 < held / test < 3  # out of fold, not of rows that were fitted to
    shipped = run.predictor().predict(str(table))
    assert len(shipped) == 600


def test_out_of_fold_predictions_of_noise_explain_nothing(tmp_path):
    random = np.random.default_rng(5)
    frame = pl.DataFrame({**{f"x{i}": random.normal(size=200) for i in range(4)}, "kind": [f"k{i}" for i in random.integers(0, 40, 200)],
                          "y": random.normal(size=200)})  # fmt: skip
    frame.write_csv(tmp_path / "noise.csv")
    resolved, prepared = prepared_with(tmp_path / "noise.csv", data={"target": "y", "ignore": []})
    crossed = task.fit(resolved, prepared, CheckpointingTrainer()).extra["crossed"]
    y = crossed.known.validation.target
    y = (y - y.mean()) / y.std()
    assert np.mean((crossed.outputs[:, 0, 0] - y) ** 2) > 0.9
    again = task.fit(resolved, prepared, CheckpointingTrainer()).extra["crossed"]
    np.testing.assert_array_equal(crossed.outputs, again.outputs)  # a resumed run computes the same
    for a, b in zip(crossed.shipped.get_weights(), again.shipped.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_rows_in_an_order_are_one_fold(table):
    resolved, prepared = prepared_with(table, data={"order": "when"})
    crossed = task.fit(resolved, prepared, CheckpointingTrainer()).extra["crossed"]
    np.testing.assert_array_equal(crossed.known.validation.target, prepared.validation.target)
    assert len(crossed.known.train) == len(prepared.train) + len(prepared.validation)


def test_trees_are_a_member_beside_nets(table):
    resolved, prepared = prepared_with(table, model={"members": ["trees", "mlp"], "width": 8}, train={"epochs": 2})
    fitted = task.fit(resolved, prepared, CheckpointingTrainer())
    assert fitted.extra["weights"]["trees 1"] > 0.5
    assert "crossed" not in fitted.extra
