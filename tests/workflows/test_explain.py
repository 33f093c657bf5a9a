"""Explanations of small models of every task: the planted part is found, the sum is complete, plots are drawn without TensorFlow."""

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from PIL import Image

import applied_dl
from applied_dl import cli
from applied_dl.core.errors import UsageError
from benchmarks.answers.planted import planted_image, planted_table, planted_text


def complete(item):
    total = sum(one["contribution"] for one in item["contributions"])
    assert total == pytest.approx(item["value"] - item["base"], abs=1e-4 * max(1.0, abs(item["value"])))


def test_the_planted_column_is_found_and_the_sum_is_complete(tmp_path):
    recipe, rows, name = planted_table(tmp_path, rows=500)
    run = applied_dl.train(recipe, out=tmp_path / "b")
    found = applied_dl.explain(run.bundle, rows[:40], out=tmp_path / "plots")["explanations"]
    for item in found:
        complete(item)
    assert np.mean([item["contributions"][0]["column"] == name for item in found]) >= 0.95
    svg = (tmp_path / "plots" / "explanation_1.svg").read_text(encoding="utf-8")
    assert name in svg
    assert found[0]["plot"].endswith("explanation_1.svg")
    answers = run.predictor().predict(rows[:3])
    assert [item["value"] for item in found[:3]] == pytest.approx([answer["prediction"] for answer in answers], rel=1e-5)


def test_contributions_of_a_linear_model_are_its_coefficients_times_the_distance_from_the_held_out_rows(tmp_path):
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, (400, 3))
    y = 3 * x[:, 0] - 2 * x[:, 1] + 0.5 * x[:, 2]
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y}).write_csv(tmp_path / "t.csv")
    recipe = {"task": "tabular", "data": {"source": str(tmp_path / "t.csv"), "target": "y"}, "model": {"name": "linear"}}
    recipe |= {"preprocess": {"numeric_embedding": "plain", "scale": "standard"}, "train": {"epochs": 2}}
    run = applied_dl.train({**recipe, "export": {"formats": ["tflite"], "variants": ["fp32"]}}, out=tmp_path / "b")
    with np.load(run.bundle / "golden.npz") as golden:
        means = {name: float(golden[f"input/{name}"].mean()) for name in "abc"}
    (item,) = applied_dl.explain(run.bundle, {"a": 0.3, "b": -0.2, "c": 0.1})["explanations"]
    found = {one["column"]: one["contribution"] for one in item["contributions"]}
    expected = {"a": 3 * (0.3 - means["a"]), "b": -2 * (-0.2 - means["b"]), "c": 0.5 * (0.1 - means["c"])}
    assert found == pytest.approx(expected, abs=0.03)  # the fit is within 1% of the coefficients
    assert item["method"] == "exact"
    complete(item)
    assert applied_dl.explain(run.bundle, {"a": 0.3, "b": -0.2, "c": 0.1})["warnings"] == []
    assert "unlike the training data" in applied_dl.explain(run.bundle, {"a": 30, "b": -20, "c": 10})["warnings"][-1]
    (again,) = applied_dl.explain(run.bundle, {"a": 0.3, "b": -0.2, "c": 0.1}, sampled=True)["explanations"]
    assert again["method"] == "sampled"
    assert {one["column"]: one["contribution"] for one in again["contributions"]} == pytest.approx(found, abs=1e-4)


@pytest.mark.parametrize("labels", [("a", "b", "c"), pytest.param(("no", "yes"), marks=pytest.mark.slow)])
def test_the_log_odds_of_a_linear_classifier_are_divided_exactly(tmp_path, labels):
    random = np.random.default_rng(0)
    x, kind = random.normal(size=(400, 2)), random.choice(["u", "v", None], 400)
    score = x[:, 0] + 0.5 * (kind == "u") + 0.3 * random.normal(size=400)
    codes = np.digitize(score, np.quantile(score, np.arange(1, len(labels)) / len(labels)))
    table = {"p": x[:, 0], "q": x[:, 1], "kind": kind, "y": np.array(labels)[codes]}
    pl.DataFrame(table).write_csv(tmp_path / "t.csv")
    recipe = {"task": "tabular", "data": {"source": str(tmp_path / "t.csv"), "target": "y"}, "model": {"name": "linear"}}
    recipe |= {"train": {"epochs": 2}, "export": {"formats": ["tflite"], "variants": ["fp32"], "max_metric_drop": 1.0}}
    run = applied_dl.train(recipe, out=tmp_path / "b")
    rows = [{"p": 1.5, "q": -0.2, "kind": "u"}, {"p": -4.0, "q": 9.0, "kind": None}, {"p": 0.0, "q": None, "kind": "other"}]
    for row, item in zip(rows, applied_dl.explain(run.bundle, rows)["explanations"]):
        p = {one["label"]: one["probability"] for one in run.predictor().predict([row])[0]["top"]}
        label = max(p, key=p.get)
        assert (item["method"], item["answer"]) == ("exact", f"log-odds of {label}")
        others = [np.log(p[name]) for name in labels if name != label]
        assert item["value"] == pytest.approx(np.log(p[label]) - np.mean(others), abs=1e-3)
        complete(item)


@pytest.mark.parametrize("name", ["ridge", pytest.param("dlinear", marks=pytest.mark.slow)])
def test_linear_forecasts_are_divided_exactly(tmp_path, name):
    steps = np.arange(400)
    value = 0.01 * (steps - 200) + np.sin(steps * 2 * np.pi / 12) + 0.1 * np.random.default_rng(0).normal(size=400)
    pl.DataFrame({"t": steps, "value": value}).write_csv(tmp_path / "s.csv")
    recipe = {"task": "forecast", "data": {"source": str(tmp_path / "s.csv"), "target": "value", "time": "t", "horizon": 6, "lookback": 36}}
    recipe |= {"model": {"name": name}, "train": {"epochs": 2} if name == "dlinear" else {}}
    run = applied_dl.train({**recipe, "export": {"formats": ["tflite"], "variants": ["fp32"]}}, out=tmp_path / "b")
    (item,) = applied_dl.explain(run.bundle, [str(tmp_path / "s.csv")])["explanations"]
    assert item["method"] == "exact"
    assert len(item["contributions"]) == 36
    complete(item)


@pytest.mark.slow
def test_the_planted_patch_is_found_in_images_and_the_heat_map_shows_it(tmp_path):
    recipe, images, places = planted_image(tmp_path, rows=300)
    run = applied_dl.train(recipe, out=tmp_path / "b")
    found = applied_dl.explain(run.bundle, images[:20], label="1", out=tmp_path / "plots")["explanations"]
    hits = []
    for item, (row, column) in zip(found, places):
        complete(item)
        hits.append(item["contributions"][0]["patch"] == f"row {row + 1}, column {column + 1}")
    assert np.mean(hits) >= 0.9
    plot = np.asarray(Image.open(tmp_path / "plots" / "explanation_1.png")).astype(int)
    blue = plot[..., 2] - plot[..., 0]
    row, column = np.unravel_index(blue.argmax(), blue.shape)
    assert (row * 7 // plot.shape[0], column * 7 // plot.shape[1]) == places[0]


@pytest.mark.slow
def test_the_planted_word_is_found_in_texts(tmp_path):
    recipe, texts, word = planted_text(tmp_path, rows=300)
    run = applied_dl.train(recipe, out=tmp_path / "b")
    found = applied_dl.explain(run.bundle, texts[:20], out=tmp_path / "plots")["explanations"]
    for item in found:
        complete(item)
    assert np.mean([item["contributions"][0]["word"] == word for item in found]) >= 0.9
    assert word in (tmp_path / "plots" / "explanation_1.svg").read_text(encoding="utf-8")


def test_a_forecast_is_divided_among_the_steps_of_its_history(trained, tmp_path):
    run = trained("forecast")
    found = applied_dl.explain(run.bundle, ["applied_dl/datasets/co2.csv"], out=tmp_path)["explanations"]
    assert len(found) == 1
    complete(found[0])
    assert "steps back" in found[0]["contributions"][0]["step"]
    assert "<polyline" in (tmp_path / "explanation_1.svg").read_text(encoding="utf-8")


def test_vectors_and_unknown_labels_are_refused(trained):
    with pytest.raises(UsageError, match="labels, numbers, forecasts and recommendations"):
        applied_dl.explain(trained("words").bundle, ["king"])
    with pytest.raises(UsageError, match="no label 'cat'"):
        applied_dl.explain(trained("image").bundle, ["docs/images/digit_3.png"], label="cat")


def test_the_command_loads_no_tensorflow_and_an_unreadable_input_is_an_error_in_its_place(trained, tmp_path, capsys):
    bundle = str(trained("image").bundle)
    assert cli.main(["explain", bundle, "docs/images/digit_3.png", "no.png", "--json", "--quiet"]) == 3
    found = json.loads(capsys.readouterr().out)["explanations"]
    assert "contributions" in found[0]
    assert "no.png" in found[1]["error"]
    code = (
        "import sys; from applied_dl import cli; cli.main(sys.argv[1:]); "
        "assert not {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules), 'heavy'"
    )
    words = ["explain", bundle, "docs/images/digit_3.png", "--out", str(tmp_path), "--quiet"]
    subprocess.run([sys.executable, "-c", code, *words], check=True, stdout=subprocess.DEVNULL)
