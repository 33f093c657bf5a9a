"""The functions of a bundle: frames in, frames out."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import applied_dl
from applied_dl.core.errors import UsageError


def test_a_table_comes_back_beside_its_own_columns(trained):
    predictor = applied_dl.load(trained("tabular").bundle)
    names = [column.name for column in predictor.encoder.columns]
    frame = pl.DataFrame({name: np.linspace(0, 1, 5) for name in names})
    found = applied_dl.predict(predictor, frame, as_frame=True)
    assert isinstance(found, pl.DataFrame)
    assert found.columns == [*names, "prediction", "lower", "upper", "distance"]
    assert found["prediction"].to_list() == [one["prediction"] for one in applied_dl.predict(trained("tabular").bundle, frame)]
    pandas = frame.to_pandas().set_index(pd.Index(list("abcde"), name="row"))
    back = applied_dl.predict(predictor, pandas, as_frame=True)
    assert isinstance(back, pd.DataFrame)
    assert back.index.tolist() == list("abcde")
    assert back["prediction"].tolist() == found["prediction"].to_list()
    rows = applied_dl.predict(predictor, frame.to_dicts(), as_frame=True)
    assert rows["upper"].to_list() == found["upper"].to_list()
    one = applied_dl.predict(predictor, {**frame.row(0, named=True), names[0]: "no number"}, as_frame=True)
    assert len(one) == 1


def test_images_and_texts_come_back_with_their_names(trained):
    found = applied_dl.predict(trained("image").bundle, ["docs/images/digit_3.png", "none.png"], as_frame=True, top=2)
    assert found["input"].to_list() == ["docs/images/digit_3.png", "none.png"]
    assert found["error"].null_count() == 1
    arrays = applied_dl.predict(trained("image").bundle, np.zeros((3, 8, 8, 1), np.uint8), as_frame=True)
    assert arrays.height == 3
    words = applied_dl.predict(trained("words").bundle, "the", as_frame=True)
    assert words["input"].to_list() == ["the"]
    assert words.schema["vector"] == pl.List(pl.Float64)


def test_a_forecast_comes_back_after_its_history(trained):
    predictor = applied_dl.load(trained("forecast").bundle)
    e = predictor.encoder
    steps = np.arange(e.lookback + 20)
    frame = pl.DataFrame({e.columns.time or "time": e.clock.text(steps)} | {name: 20 + np.sin(steps / 6) for name in e.names})
    found = applied_dl.predict(predictor, frame, as_frame=True)
    assert found.height == (len(steps) + e.horizon) * len(e.names)
    assert isinstance(applied_dl.predict(predictor, frame.to_pandas(), as_frame=True), pd.DataFrame)


def test_wrong_options_are_refused(trained):
    with pytest.raises(UsageError, match="'nearest' has no meaning"):
        applied_dl.predict(trained("tabular").bundle, [{}], nearest=3)
    predictor = applied_dl.load(trained("tabular").bundle)
    other = "fp16" if predictor.variant != "fp16" else "fp32"
    with pytest.raises(UsageError, match="was loaded with the variant"):
        applied_dl.predict(predictor, [{}], variant=other)
