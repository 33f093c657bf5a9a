"""The card answers first what the owner asks, and folds the measurements away."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from applied_dl.core.bundle import SCHEMA, ExportedFile, Manifest
from applied_dl.report.card import TaskCard, verdict, write_card

ABOUT = TaskCard(
    kind="A classifier", pipeline_tag="tabular-classification", summary="It is right.", example="predictor.predict([1])",
    error_plots=("missing.png", "wrong.png"), captions={"wrong.png": "The wrong ones"},
)  # fmt: skip
TENSORS = {"inputs": [{"name": "x", "dtype": "float32", "shape": "(B, 2)"}], "outputs": [{"name": "y", "dtype": "float32", "shape": "(B)"}]}
CARD = {"title": "", "description": "", "license": "", "author": "", "limits": ""}


def made(main="accuracy", own=0.9, interval=(0.85, 0.94), baselines=None, **more) -> Manifest:
    values = {
        "schema": SCHEMA, "task": "tabular", "name": "mine", "recipe": {"card": CARD, "data": {"source": "a.csv"}}, "created": "2026-01-01",
        "versions": {"machine": "arm64"}, "seed": 0, "fingerprint": "f" * 64, "main": main, "metrics": {"test": {main: own}},
        "intervals": {"test": {main: interval}}, "baselines": {name: {main: value} for name, value in (baselines or {}).items()},
        "rows": {"train": 800, "validation": 100, "test": 200}, **more,
    }  # fmt: skip
    return Manifest(**values)


def written(folder: Path, manifest: Manifest, plots=()) -> str:
    (folder / "plots").mkdir(exist_ok=True)
    for name in plots:
        (folder / "plots" / name).write_bytes(b"png")
    write_card(folder, manifest, TENSORS, ABOUT)
    return (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("main", "own", "interval", "other", "says"),
    [
        ("accuracy", 0.9, (0.85, 0.94), 0.7, "**the model is better** (its error is 66.7% lower)"),
        ("accuracy", 0.9, (0.85, 0.94), 0.93, "**it is as good as the model**"),
        ("accuracy", 0.9, (0.85, 0.94), 0.96, "better than the model: prefer it unless you need this file.**"),
        ("rmse", 10.0, (9.0, 11.0), 20.0, "**the model is better** (its error is 50% lower)"),
        ("rmse", 10.0, (9.0, 11.0), 9.5, "**it is as good as the model**"),
        ("rmse", 10.0, (9.0, 11.0), 5.0, "better than the model"),
        ("rmse", 10.0, None, 5.0, "better than the model"),
    ],
)
def test_the_verdict_compares_with_the_best_baseline(main, own, interval, other, says):
    worse = other / 2 if main == "accuracy" else other * 2
    manifest = made(main, own, interval, {"poor": worse, "strong": other})
    if interval is None:
        manifest.intervals["test"].clear()
    assert says in verdict(manifest)
    assert "best of 2 baselines, strong, has" in verdict(manifest)


def test_no_verdict_without_baselines():
    assert verdict(made()) == ""


def test_the_questions_come_in_order_and_measurements_are_folded(tmp_path):
    exports = [
        ExportedFile(file="saved_model", format="saved_model", variant="fp32", bytes=9000, rows=200, metric=0.9, metric_drop=0.0),
        ExportedFile(file="model.fp16.tflite", format="tflite", variant="fp16", bytes=4200, rows=200, metric=0.9, metric_drop=0.001,
                     metric_drop_interval=(-0.002, 0.003), max_abs_diff=6.1e-5, ops=["ADD"], latency_ms=0.5, threads=2, threaded_ms=0.4,
                     chosen=True),
        ExportedFile(file="", format="tflite", variant="int8", bytes=0, refused="it is bad"),
    ]  # fmt: skip
    text = written(tmp_path, made(exports=exports, baselines={"majority class": 0.5}), plots=["wrong.png"])
    headings = re.findall(r"^## (.*)$", text, flags=re.M)
    assert headings == ["Is it good?", "What does it get wrong?", "Which file do I ship?", "What next?", "Details"]
    first, folded = text.split("## Details")
    assert "fp16, 4.2 kB, 0.5 ms per row" in first
    assert "its accuracy is 0.001 worse than that of the Keras model" in first
    assert "![The wrong ones](plots/wrong.png)" in first
    assert (tmp_path / "plots" / "baselines.png").stat().st_size > 1000
    assert folded.count("<details><summary>") == folded.count("</details>") == 8
    assert "| 0.001 worse (-0.002 to +0.003) | 6e-05 | **model.tflite** |" in folded
    assert "refused: it is bad" in folded
    assert not re.search(r"\de-0[6-9]|\.\d{5}", text), "numbers are rounded to what matters"


def test_important_warnings_stand_above_everything(tmp_path):
    warnings = ["a small note", "IMPORTANT: a column\npredicts the target alone."]
    text = written(tmp_path, made(warnings=warnings)).split("---\n", 2)[2].strip()
    assert text.split("\n\n")[:2] == ["# mine", "> **IMPORTANT: a column predicts the target alone.**"]
    assert "## Limits\n\n- a small note" in text
    assert "Read the warning at the top first" in text


def test_many_notes_are_folded(tmp_path):
    text = written(tmp_path, made(warnings=[f"note {i}" for i in range(9)]))
    assert "- note 5.\n\n<details><summary>3 more</summary>\n\n- note 6." in text


def test_the_worst_slices_are_those_below_the_whole_with_their_rows(tmp_path):
    slices = {
        "town = A|B": {"value": 0.4, "rows": 12},
        "town = C": {"value": 0.95, "rows": 90},
        "town = D": {"value": 0.8, "rows": 40},
        "covered": {"value": 0.1, "rows": 99, "metric": "coverage"},
    }
    examples = [{"true": "a", "predicted": "b (99%)", "text": "long " * 40, "n": 1234.5678}]
    text = written(tmp_path, made(facts={"slices": slices, "worst_examples": examples})).split("## Details")[0]
    assert "| town = A\\|B | 0.4 | 12 |\n| town = D | 0.8 | 40 |\n\n" in text
    assert "town = C" not in text
    assert "*town = A\\|B* (only 12 test rows)" in text
    assert "| 1,235 |" in text
    assert re.search(r"(long ){11}lon?g?…", text)


def test_a_card_without_files_says_so(tmp_path):
    exports = [ExportedFile(file="", format="tflite", variant="fp32", bytes=0, refused="it does not run")]
    text = written(tmp_path, made(exports=exports))
    assert "**No TFLite file passed verification**" in text
    assert "applied-dl check" not in text


def test_names_from_the_data_cannot_break_the_card(tmp_path):
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "wrong.png").write_bytes(b"png")
    about = TaskCard(kind="A model", pipeline_tag="x", summary="", example="", captions={"wrong.png": "error of a]b\n(c"})
    facts = {"slices": {"<b>\nx|y": {"value": 0.1, "rows": 3}}, "summary": "a\n# b", "key": "c\n\n## d"}
    write_card(tmp_path, made(facts=facts, warnings=["bad\n\n</details>"]), TENSORS, about)
    text, page = (tmp_path / "README.md").read_text(encoding="utf-8"), (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "\n## d" not in text
    assert "\n# b" not in text
    assert 'alt="error of a)b (c"' in page
    assert "<td>&lt;b&gt; x|y</td>" in page
    assert page.count("<details>") == page.count("</details>")


def test_a_plot_that_fails_costs_only_itself(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("applied_dl.report.plots.comparison", lambda *_: 1 / 0)
    assert "## Is it good?" in written(tmp_path, made(baselines={"b": 0.5}))
    assert "could not be drawn: ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("task", ["image", "tabular", "forecast", "words", "sentences"])
def test_the_card_of_every_task(task, trained):
    run = trained(task)
    text = (run.bundle / "README.md").read_text(encoding="utf-8")
    assert "baselines.png" in text
    assert len(re.findall(r"!\[[A-Z][^\]]{20,}\]\(plots/", text)) >= 2, "plots have alternative texts"
    page = (run.bundle / "report.html").read_text(encoding="utf-8")
    assert page.count("<details>") == page.count("</details>") >= 6
    assert "&lt;details" not in page
    if task == "tabular":
        assert {"true", "predicted"} <= set(run.manifest.facts["worst_examples"][0])
    if task == "forecast":
        assert set(run.manifest.facts["worst_examples"][0]) >= {"series", "from", "mean absolute error"}
    assert run.manifest.rows["test"] > 0


def test_a_card_names_a_page_and_a_remedy_as_the_task_says(tmp_path):
    chosen = ExportedFile(
        file="model.fp32.tflite", format="tflite", variant="fp32", bytes=1500, metric=0.9, metric_drop=0.0, chosen=True, rows=200
    )
    slices = {"steps 7 to 8": {"value": 0.5, "rows": 40}}
    manifest = made(exports=[chosen], facts={"slices": slices})
    (tmp_path / "plots").mkdir()
    write_card(tmp_path, manifest, TENSORS, ABOUT)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "applied-dl page mine" in text
    assert "- Look at *steps 7 to 8* (only 40 test rows): more training data of this kind is the first thing to try." in text
    write_card(tmp_path, manifest, TENSORS, replace(ABOUT, page=False, remedy="a longer history helps"))
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "applied-dl page" not in text
    assert "- Look at *steps 7 to 8* (only 40 test rows): a longer history helps." in text


def test_the_table_of_files_says_of_which_rows_and_of_which_model_its_scores_are(tmp_path):
    chosen = ExportedFile(
        file="model.fp32.tflite", format="tflite", variant="fp32", bytes=1500, metric=0.9, metric_drop=0.0, chosen=True, rows=50
    )
    text = written(tmp_path, made(exports=[chosen]))
    assert "Every file was run on 50 of the 200 test rows in its own runtime, and compared with the Keras model.\n" in text
    assert "| 1.5\u00a0kB |" in text
    recipe = {"card": CARD, "data": {"source": "a.csv"}, "train": {"refit": True}}
    text = written(tmp_path, made(exports=[chosen], recipe=recipe))
    assert "That model was fitted again on all rows, these among them: here only the differences count, the accuracy" in text
