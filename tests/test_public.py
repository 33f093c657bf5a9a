"""The public functions: real signatures, documented, light to import; frames in, frames out."""

import inspect
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest

import applied_dl
from applied_dl.core.errors import UsageError

FUNCTIONS = [name for name in applied_dl.__all__ if inspect.isfunction(getattr(applied_dl, name))]


def test_the_functions_of_the_command_line_are_functions_of_the_package():
    assert set(FUNCTIONS) == {
        "backtest",
        "diagnose",
        "diff",
        "dry_run",
        "evaluate",
        "generate",
        "explain",
        "export",
        "find_lr",
        "inspect",
        "load",
        "load_keras",
        "predict",
        "train",
        "tune",
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_is_typed_and_documented(name):
    function = getattr(applied_dl, name)
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        assert parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        assert parameter.annotation is not parameter.empty
        assert re.search(rf"^ +{parameter.name}: ", function.__doc__, re.MULTILINE), parameter.name
    for heading in ("Args:", "Returns:", "Example:"):
        assert heading in function.__doc__
    assert function.__annotations__["return"]


def test_the_import_is_light_and_loads_no_tensorflow():
    program = (
        "import time; start = time.process_time(); import applied_dl; spent = time.process_time() - start\n"
        "import sys; assert not {'tensorflow', 'keras', 'numpy', 'polars'} & set(sys.modules)\n"
        "applied_dl.Predictor; assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
        "assert spent < 0.1, spent\n"
        "assert set(applied_dl.__all__) == set(dir(applied_dl)); assert all(hasattr(applied_dl, n) for n in applied_dl.__all__)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        applied_dl.trian  # noqa: B018


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
    with pytest.raises(UsageError, match="overrides are for a recipe"):
        applied_dl.diagnose(trained("tabular").bundle, overrides={"train.epochs": 1})
    with pytest.raises(TypeError, match="epochs"):
        applied_dl.train("image", epochs=3)
