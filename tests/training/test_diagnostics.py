"""The doctor names planted faults and leaves healthy models alone (a quick part; benchmarks/training/doctor.py runs them all)."""

import json

import numpy as np
import pytest

from applied_dl import cli
from applied_dl.training.diagnostics import check_histories
from applied_dl.training.diagnostics.curves import check_curves
from tests.training.faults import FAULTS, HEALTHY

QUICK = (
    "a NaN in the input", "equal rows with different labels", "one row in fifty", "a column made from the label",
    "a column made from the number",
    "the future among the covariates", "test rows that were trained on", "ten rows to choose the epoch",
)  # fmt: skip


LONGER = ("pixels never scaled", "softmax before a loss of logits", "relu units born dead", "a stopped gradient")


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in LONGER)])
def test_a_planted_fault_is_named_first(name):
    expected, make = FAULTS[name]
    found = make()
    assert found[0].name == expected
    assert found[0].evidence != found[0].limit
    assert found[0].observed
    assert found[0].why
    assert found[0].change


def test_columns_of_a_table_are_looked_at_one_by_one(tmp_path):
    """Through the reader: the inputs of a table are named columns (N,), not one matrix."""
    import polars as pl

    from applied_dl.tasks import load_task
    from applied_dl.training.diagnostics import check_data
    from applied_dl.workflows import preparation, recipes

    x = np.random.default_rng(0).normal(size=(300, 3))
    frame = {"a": x[:, 0], "b": x[:, 1], "secret": 3 * x[:, 2] + 7, "price": x[:, 2]}
    pl.DataFrame(frame).write_csv(tmp_path / "t.csv")
    recipe = recipes.read_recipe("tabular", {"data.source": str(tmp_path / "t.csv"), "data.target": "price"})
    found = check_data(preparation.read_data(load_task("tabular"), recipe))
    assert [(f.name, f.where) for f in found] == [("leakage", "secret")]


def test_members_are_examined_by_their_own_curves():
    falling = [{"epoch": i, "loss": 1 / i, "val_loss": 1.2 / i} for i in range(1, 9)]
    worse = [{"epoch": i, "loss": 0.1 / i, "val_loss": 2 / i} for i in range(1, 9)]
    assert check_curves(falling) == check_curves(worse) == []
    assert check_histories([{**row, "member": m} for m, rows in enumerate((falling, worse)) for row in rows]) == []


@pytest.mark.slow
@pytest.mark.parametrize("task", ["sentences", "tabular"])
def test_the_doctor_leaves_nothing_behind(task, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cli.main(["doctor", task, "--budget", "1", "--quiet", "--json", "--set", "train.epochs=1"])
    assert list(tmp_path.iterdir()) == []
    assert json.loads(capsys.readouterr().out)["examined"]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(FAULTS) - set(QUICK)))
def test_every_planted_fault_is_named_first(name):
    expected, make = FAULTS[name]
    assert make()[0].name == expected


@pytest.mark.parametrize("name", [pytest.param("batch norm", marks=pytest.mark.slow), "rows", "covariates"])
def test_the_healthy_have_no_finding(name):
    assert HEALTHY[name]() == []


def test_there_are_enough_faults():
    assert len(FAULTS) >= 20


def curve(loss, held):
    return [{"epoch": i + 1, "loss": a, "val_loss": b} for i, (a, b) in enumerate(zip(loss, held))]


@pytest.mark.parametrize(
    ("loss", "held", "blind", "name"),
    [
        ([1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01], [1, 0.6, 0.5, 0.6, 0.7, 0.8, 0.9], None, "overfitting"),
        ([1.0] * 8, [1.0] * 8, None, "loss_never_moved"),
        ([1.0, 0.99, 0.98, 0.97], [1.0, 1.0, 1.0, 1.0], (1.0, 1.0), "underfitting"),
        ([1, 2, 1, 2, 1, 2], [1, 1, 1, 1, 1, 1], None, "bouncing_loss"),
        ([1, 0.5, 0.4, 0.3], [1.1, 1.2, 1.2, 1.3], (1.0, 1.0), "nothing_general"),
    ],
)
def test_curves_have_their_verdict(loss, held, blind, name):
    assert [finding.name for finding in check_curves(curve(loss, held), blind)] == [name]


def test_falling_curves_have_none():
    assert check_curves(curve(np.geomspace(1, 0.1, 20), np.geomspace(1, 0.2, 20)), (1.0, 1.0)) == []


def test_the_loss_of_a_later_stage_may_stay_where_it_is():
    learned, still = curve([1.2, 0.7, 0.5, 0.4, 0.35], [0.9] * 5), curve([0.33, 0.37, 0.35, 0.34, 0.34], [0.6, 0.5, 0.5, 0.5, 0.4])
    staged = [row | {"stage": 1} for row in learned] + [row | {"stage": 3} for row in still]
    assert check_histories(staged, stops=True) == []
    assert [finding.name for finding in check_histories([row | {"stage": 1} for row in still], stops=True)] == ["loss_never_moved"]


@pytest.mark.slow
def test_the_verb_prints_one_object(capsys):
    code = cli.main(
        [
            "doctor",
            "image",
            "--json",
            "--budget",
            "0",
            "--set",
            "model.name=mlp",
            "--set",
            "train.learning_rate=1e-7",
            "--set",
            "train.epochs=1",
        ]
    )
    report = json.loads(capsys.readouterr().out)
    assert code == 1
    assert "rate_too_low" in [finding["name"] for finding in report["findings"]]


@pytest.mark.slow
def test_a_bundle_is_examined_and_keeps_what_training_noticed(tmp_path, capsys):
    random = np.random.default_rng(0)
    image = random.integers(0, 255, size=(240, 8, 8, 1)).astype(np.uint8)
    label = np.where(np.arange(240) % 40 == 0, "rare", "common")
    np.savez(tmp_path / "d.npz", image=image, label=label)
    overrides = [text for pair in (f"data.source={tmp_path / 'd.npz'}", "train.epochs=5", 'export.formats=["tflite"]',
                                   'export.variants=["fp32"]', "export.max_metric_drop=1.0") for text in ("--set", pair)]  # fmt: skip
    assert cli.main(["train", "image", "--out", str(tmp_path / "b"), "--json", *overrides]) == 0
    assert any("imbalance" in warning for warning in json.loads(capsys.readouterr().out)["warnings"])
    assert cli.main(["doctor", str(tmp_path / "b"), "--json"]) == 1
    names = [finding["name"] for finding in json.loads(capsys.readouterr().out)["findings"]]
    assert "imbalance" in names
