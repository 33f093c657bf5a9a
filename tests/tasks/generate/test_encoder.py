"""Requests to latents, arrays to cells: the same for the same seed, and as the training table writes them."""

import datetime

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.generate.encoder import (
    Column,
    Form,
    GenerateEncoder,
    Request,
    codes_of,
    inputs_of,
    latents,
    load,
    load_with_scorer,
    pixels,
    rows_frame,
    save,
    written,
)  # fmt: skip

IMAGES = Form(latent=8, labels=("cat", "dog"), shares=(0.75, 0.25), height=4, width=4, channels=1)


def test_a_latent_depends_on_its_own_request_alone():
    asked = [Request(seed=3, number=i) for i in range(5)]
    whole = latents(IMAGES, asked)
    np.testing.assert_array_equal(latents(IMAGES, asked[2:3])[0], whole[2])
    np.testing.assert_array_equal(latents(IMAGES, asked), whole)
    assert not np.array_equal(latents(IMAGES, [Request(seed=4)])[0], whole[0])
    assert whole.dtype == np.float32


def test_noise_has_its_distribution():
    asked = [Request(number=i) for i in range(2000)]
    normal = latents(IMAGES, asked)
    assert abs(normal.mean()) < 0.03
    assert normal.std() == pytest.approx(1, abs=0.03)
    uniform = latents(Form(latent=8, noise="uniform"), asked)
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert uniform.mean() == pytest.approx(0.5, abs=0.02)


def test_an_open_label_is_drawn_by_the_training_shares():
    codes = codes_of(IMAGES, [Request(number=i) for i in range(4000)])
    assert (codes == 0).mean() == pytest.approx(0.75, abs=0.03)
    assert codes_of(IMAGES, [Request(label="dog")]).tolist() == [1]
    assert set(inputs_of(IMAGES, [Request()])) == {"latent", "label"}
    assert set(inputs_of(Form(latent=2), [Request()])) == {"latent"}


def test_pixels_are_rounded_and_cut():
    assert pixels(np.array([-3.0, 0.4, 0.6, 254.6, 300.0])).tolist() == [0, 0, 1, 255, 255]


COLUMNS = (
    Column(name="id", kind="key", dtype="int", first=11),
    Column(name="code", kind="key", first=3, prefix="C-"),
    Column(name="age", kind="number", dtype="int", knots=((-1.0, -1.0), (0.0, 10.0)), origin=30.0),
    Column(name="price", kind="number", dtype="text", knots=((0.0, 1000.0),), origin=1000.0, decimals=2, style="comma"),
    Column(name="kind", kind="category", levels=("a", "b")),
    Column(name="member", kind="category", dtype="bool", levels=("true", "false")),
    Column(name="day", kind="moment", style="%d.%m.%Y", knots=((0.0, 86400.0 * 2),), origin=86400.0 * 365, decimals=86400),
    Column(name="note", kind="empty"),
)


def test_rows_are_written_as_the_table_wrote_them():
    form = Form(latent=4, columns=COLUMNS)
    codes = np.array([[1, 1, 1, 2, 1], [2, 0, 0, 0, 0], [2, 1, 2, 1, 1]], np.int32)
    places = np.array([[0.5] * 5, [0.5] * 5, [1.0] * 5], np.float32)
    frame = rows_frame(form, codes, places, first=5)
    assert frame["id"].to_list() == [16, 17, 18]
    assert frame["code"].to_list() == ["C-8", "C-9", "C-10"]
    assert frame["age"].to_list() == [29, 35, 40]
    assert frame["price"].to_list() == ["1500,00", None, "2000,00"]
    assert frame["kind"].to_list() == ["a", None, "b"]
    assert frame["member"].to_list() == [False, None, True]
    assert frame["day"].to_list() == ["02.01.1971", None, "03.01.1971"]
    assert frame["note"].null_count() == 3
    assert frame.schema["age"] == pl.Int64
    assert frame.columns == [column.name for column in COLUMNS]


def test_dates_keep_their_type():
    day = Column(name="day", kind="moment", dtype="date", style="%Y-%m-%d", knots=((0.0, 0.0),), decimals=86400)
    moment = Column(name="at", kind="moment", dtype="datetime", style="%Y-%m-%d", knots=((0.0, 0.0),), origin=3661.0, decimals=1)
    frame = rows_frame(Form(latent=4, columns=(day, moment)), np.ones((1, 2), np.int32), np.zeros((1, 2), np.float32))
    assert frame.row(0) == (datetime.date(1970, 1, 1), datetime.datetime(1970, 1, 1, 1, 1, 1))


@pytest.mark.parametrize(
    ("number", "decimals", "style", "text"),
    [(1234.5, 1, "plain", "1234.5"), (1234.5, 2, "thousands", "1,234.50"), (1234.5, 1, "comma", "1234,5"), (-7.0, 0, "plain", "-7")],
)
def test_numbers_are_written_in_the_style_of_the_column(number, decimals, style, text):
    assert written(number, decimals, style) == text


def test_an_encoder_is_read_as_it_was_written(tmp_path):
    encoder = GenerateEncoder(form=Form(latent=4, columns=COLUMNS), scorer={"weight_0": np.arange(3.0)})
    save(encoder, tmp_path)
    assert load(tmp_path).form == encoder.form
    assert load(tmp_path).scorer == {}
    np.testing.assert_array_equal(load_with_scorer(tmp_path).scorer["weight_0"], np.arange(3.0))
    (tmp_path / "encoder.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path)
