"""Two bundles compared: paired intervals, flipped rows, what differs, and refusals where no rows are held out from both."""

import json

import numpy as np
import polars as pl
import pytest

import applied_dl
from applied_dl import cli
from applied_dl.core.errors import RefusedError, UsageError
from applied_dl.core.metrics.intervals import paired_interval
from applied_dl.report.comparison import as_page, as_text

FILES = {"formats": ["tflite"], "variants": ["fp32"], "max_metric_drop": 1.0}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """A table whose label follows one column; a model that may read it, one that may not, and one of another seed."""
    folder, random = tmp_path_factory.mktemp("diff"), np.random.default_rng(0)
    x, z = random.normal(size=600), random.normal(size=600)
    label = np.where(x + 0.2 * random.normal(size=600) > 0, "yes", "no")
    pl.DataFrame({"x": x, "z": z, "label": label}).write_csv(folder / "t.csv")
    pl.DataFrame({"x": x[:200] + 0.01, "z": z[:200], "label": label[:200]}).write_csv(folder / "new.csv")

    def made(name, **keys):
        recipe = {"task": "tabular", "model": {"name": "linear"}, "export": FILES, "train": {"epochs": 3, **keys.pop("train", {})}}
        recipe["data"] = {"source": str(folder / "t.csv"), "target": "label", **keys}
        return applied_dl.train(recipe, out=folder / name).bundle

    return folder, made("good"), made("blind", ignore=["x"]), made("other", train={"seed": 5})


def test_the_worse_model_is_named_by_a_paired_interval_and_its_flipped_rows(bundles):
    _, good, blind, _ = bundles
    found = applied_dl.diff(good, blind)
    accuracy = found["metrics"]["accuracy"]
    assert accuracy["a"] > 0.85 > 0.7 > accuracy["b"]
    assert accuracy["interval"][0] <= accuracy["change"] <= accuracy["interval"][1] < 0
    assert accuracy["verdict"] == "worse"
    assert found["worse"] <= found["flipped"]
    assert accuracy["change"] == pytest.approx((found["flipped"] - 2 * found["worse"]) / found["rows"])  # of two classes, all others stay
    losses = [row["loss"] for row in found["flipped_rows"]]
    assert losses == sorted(losses, reverse=True)
    assert found["flipped_rows"][0]["a"] == found["flipped_rows"][0]["true"] != found["flipped_rows"][0]["b"]
    assert "data.ignore" in found["recipe"]
    assert "train.seed" not in found["recipe"]
    assert found["facts"]["fingerprint"][0] != found["facts"]["fingerprint"][1]
    assert found["files"]["bytes"][0] > 0


def test_a_bundle_is_the_same_as_itself(bundles):
    _, good, _, _ = bundles
    found = applied_dl.diff(good, good)
    assert found["flipped"] == 0
    assert found["recipe"] == found["facts"] == {}
    assert all(one["change"] == 0 == one["interval"][0] == one["interval"][1] for one in found["metrics"].values())


def test_rows_that_are_not_held_out_from_both_are_refused_and_new_rows_are_compared(bundles):
    folder, good, _, other = bundles
    with pytest.raises(RefusedError, match=r"train\.seed = 0 .* --data"):
        applied_dl.diff(good, other)  # its test rows are training rows of the first
    found = applied_dl.diff(good, other, data=folder / "new.csv")
    assert found["rows"] == 200
    assert abs(found["metrics"]["accuracy"]["change"]) < 0.1


def test_files_that_have_seen_the_test_rows_are_not_scored_on_them(tmp_path):
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3))
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] + random.normal(size=200)}).write_csv(tmp_path / "t.csv")
    pl.DataFrame({"a": x[:60, 1], "b": x[:60, 2], "y": x[:60, 1] + 0.1}).write_csv(tmp_path / "new.csv")
    recipe = {"task": "tabular", "data": {"source": str(tmp_path / "t.csv"), "target": "y"}, "export": FILES}
    recipe["model"] = {"name": "ensemble", "members": ["linear", "waves"]}
    again = applied_dl.train(recipe, out=tmp_path / "again")
    once = applied_dl.train({**recipe, "train": {"refit": False}}, out=tmp_path / "once")
    found = applied_dl.diff(again.bundle, once.bundle)
    assert "has seen the test rows" in found["warnings"][0]
    assert str(again.bundle) in found["warnings"][0]
    assert str(once.bundle) not in found["warnings"][0]
    rmse = found["metrics"]["rmse"]
    assert (rmse["a"], rmse["b"]) == (again.metrics["test"]["rmse"], once.metrics["test"]["rmse"])
    assert rmse["change"] == pytest.approx(0, abs=1e-6)  # the second fit changes nothing of what was measured
    assert (rmse["interval"], rmse["verdict"]) == ([None, None], "")
    assert "note: " in as_text(found)
    assert "has seen the test rows" in as_page(found)
    new = applied_dl.diff(again.bundle, once.bundle, data=tmp_path / "new.csv")
    assert new["warnings"] == []
    assert None not in new["metrics"]["rmse"]["interval"]


def test_another_task_is_refused(bundles, trained):
    with pytest.raises(UsageError, match="same task"):
        applied_dl.diff(bundles[1], trained("image").bundle)


def test_the_command_prints_a_table_one_object_or_a_page(bundles, tmp_path, capsys):
    _, good, blind, _ = bundles
    assert cli.main(["diff", str(good), str(blind), "--out", str(tmp_path / "d.html"), "--quiet"]) == 0
    text = capsys.readouterr().out
    assert "rows with another answer" in text
    assert "data.ignore" in text
    page = (tmp_path / "d.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "http" not in page
    assert cli.main(["diff", str(good), str(blind), "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["main"] == "accuracy"
    assert cli.main(["diff", str(good), str(blind), "--out", "d.pdf", "--quiet"]) == 2


def test_paired_intervals_cover_the_difference_and_ignore_what_is_common():
    covered = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        common = random.normal(0, 50, 400)
        a, b = common + random.normal(0, 1, 400), common + 0.3 + random.normal(0, 1, 400)
        ((low, high),) = paired_interval(lambda rows: np.array([(b - a)[rows].mean()]), np.array([(b - a).mean()]), 400)  # noqa: B023
        covered += low <= 0.3 <= high
        assert high - low < 0.6
    assert covered >= 52
