"""Answers as tables on disk: beside their rows, after their history, one row an input."""

import numpy as np
import polars as pl
import pytest

import applied_dl
from applied_dl.cli import main


def written(trained, task, target, *inputs):
    assert main(["predict", str(trained(task).bundle), *map(str, inputs), "--out", str(target), "--quiet"]) == 0
    read = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".jsonl": pl.read_ndjson, ".xlsx": pl.read_excel}[target.suffix]
    return read(target, infer_schema_length=None) if target.suffix in (".csv", ".jsonl") else read(target)


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl", "xlsx"])
def test_predictions_stand_beside_the_columns_they_were_made_from(trained, tmp_path, form):
    predictor = applied_dl.load(trained("tabular").bundle)
    names = [column.name for column in predictor.encoder.columns]
    rows = pl.DataFrame({name: np.linspace(-0.05, 0.05, 7) for name in names}).with_columns(pl.lit("as it was").alias("prediction"))
    rows.write_csv(tmp_path / "new.csv")
    found = written(trained, "tabular", tmp_path / f"out.{form}", tmp_path / "new.csv")
    assert found.columns == [*names, "prediction", "prediction_predicted", "lower", "upper", "distance"]
    assert found["prediction"].to_list() == ["as it was"] * 7
    assert found["prediction_predicted"].to_list() == pytest.approx([a["prediction"] for a in predictor.predict(rows)])


def test_a_file_of_predictions_can_be_predicted_again(trained, tmp_path):
    predictor = applied_dl.load(trained("tabular").bundle)
    frame = pl.DataFrame({column.name: [0.0, 0.1] for column in predictor.encoder.columns})
    for _ in range(4):
        frame = applied_dl.predict(predictor, frame, as_frame=True)
    assert len(frame.columns) == len(predictor.encoder.columns) + 4 * 4
    assert {"prediction", "prediction_predicted", "prediction_predicted_2", "prediction_predicted_3"} <= set(frame.columns)


def test_a_forecast_is_appended_to_its_history(trained, tmp_path):
    predictor = applied_dl.load(trained("forecast").bundle)
    e = predictor.encoder
    steps = np.arange(e.lookback + 20)
    frame = pl.DataFrame(
        {e.columns.time or "time": e.clock.text(steps)} | {name: 20 + np.sin(steps / 6 + i) for i, name in enumerate(e.names)}
    )
    frame.write_csv(tmp_path / "history.csv")
    found = written(trained, "forecast", tmp_path / "out.csv", tmp_path / "history.csv")
    one, name = found, e.names[0]
    assert one[e.columns.time].to_list() == e.clock.text(np.arange(len(steps) + e.horizon))
    assert one[name].to_list()[: len(steps)] == pytest.approx(frame[e.names[0]].to_list())
    assert one[name].null_count() == e.horizon
    answer = predictor.predict([str(tmp_path / "history.csv")])[0]
    assert one["forecast"].drop_nulls().to_list() == pytest.approx(answer["forecast"])
    assert (one["lower"].drop_nulls() <= one["upper"].drop_nulls()).all()


def test_vectors_are_columns_of_a_csv_and_lists_elsewhere(trained, tmp_path):
    size = len(applied_dl.load(trained("words").bundle).predict(["the"])[0]["vector"])
    flat = written(trained, "words", tmp_path / "new folder" / "out.csv", "the", "of")
    assert flat["input"].to_list() == ["the", "of"]
    assert f"vector_{size}" in flat.columns
    nested = written(trained, "words", tmp_path / "out.parquet", "the", "of")
    assert nested["vector"].list.len().to_list() == [size, size]
    assert np.allclose(nested["vector"].to_list(), flat.select(f"vector_{i + 1}" for i in range(size)).to_numpy())


def test_what_is_there_is_kept_and_other_forms_are_refused_before_any_work(tmp_path, capsys):
    (tmp_path / "kept.csv").write_text("mine")
    for name, says in (("kept.csv", "exists already"), ("out.ods", "must end in .csv, .parquet, .jsonl or .xlsx")):
        assert main(["predict", "no/bundle", "x", "--out", str(tmp_path / name)]) == 2
        assert says in capsys.readouterr().err
    assert (tmp_path / "kept.csv").read_text() == "mine"


def test_an_input_that_cannot_be_read_has_its_row_and_its_sentence(trained, tmp_path):
    bundle = str(trained("image").bundle)
    (tmp_path / "no.png").write_bytes(b"nothing")
    assert main(["predict", bundle, str(tmp_path / "no.png"), "docs/images/digit_3.png", "--out", str(tmp_path / "o.csv"), "--quiet"]) == 3
    found = pl.read_csv(tmp_path / "o.csv")
    assert found["error"].null_count() == 1
    assert found["label"].drop_nulls().len() == 1
    assert found["input"].to_list() == [str(tmp_path / "no.png"), "docs/images/digit_3.png"]
