"""Pixels as people have them: transparency, 16 bits, floats, images of one colour; the same at training and at prediction."""

import io

import numpy as np
import pytest
from PIL import Image

from applied_dl.core.errors import DataError
from applied_dl.tasks.image.encoder import ImageEncoder
from applied_dl.tasks.image.predict import encode
from applied_dl.vision.images import decode
from tests.cases.image_files import SHAPES, fill, read, rows

CLEAR_WHITE, CLEAR_BLACK = (255, 255, 255, 0), (0, 0, 0, 0)


def contrast(pixels: np.ndarray) -> float:
    """The smallest standard deviation of an image."""
    return float(pixels.reshape(len(pixels), -1).astype(float).std(1).min())


@pytest.mark.parametrize("color", [(255, 255, 255, 255), (0, 0, 0, 255), (128, 128, 128, 255), (230, 80, 60, 255), (250, 250, 250, 120)])
@pytest.mark.parametrize("under", [CLEAR_WHITE, CLEAR_BLACK])
def test_icons_of_any_colour_are_seen(tmp_path, color, under):
    folder = fill(tmp_path / "icons", color=color, background=under)
    data = read(tmp_path, source=folder)
    assert contrast(data.parts["train"].inputs["image"]) > 15
    path = data.parts["test"].extra["path"][0]
    for source in (path, open(path, "rb").read(), Image.open(path), np.asarray(Image.open(path))):
        np.testing.assert_array_equal(encode(data.encoder, [source]).inputs["image"][0], data.parts["test"].inputs["image"][0])


def test_icons_of_several_colours_are_seen_on_one_background(tmp_path):
    for color, seed in (((255, 255, 255, 255), 1), ((0, 0, 0, 255), 2), ((128, 128, 128, 255), 3)):
        fill(tmp_path / str(seed), color=color, background=CLEAR_WHITE, seed=seed)
        for name in SHAPES:
            (tmp_path / "icons" / name).mkdir(parents=True, exist_ok=True)
            for path in (tmp_path / str(seed) / name).iterdir():
                path.rename(tmp_path / "icons" / name / f"{seed}_{path.name}")
    data = read(tmp_path, source=tmp_path / "icons")
    assert contrast(data.parts["train"].inputs["image"]) > 15
    assert any("transparent images are shown on" in text for text in data.warnings)


def test_dark_icons_stay_on_white_and_old_encoders_too(tmp_path):
    data = read(tmp_path, source=fill(tmp_path / "icons", color=(30, 30, 30, 255), background=CLEAR_BLACK))
    assert data.encoder.background == (255, 255, 255)
    assert ImageEncoder(height=4, width=4, channels=3).background == (255, 255, 255)


@pytest.mark.parametrize(("low", "high"), [(0, 65535), (0, 4095), (0, 1023), (28000, 30000), (0, 255), (100, 900)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_deep_images_fill_the_range(tmp_path, low, high, suffix):
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "deep" / name).mkdir(parents=True)
        for i in range(10):
            values = random.integers(low, high, (16, 16), endpoint=True).astype(np.uint16)
            values[0, :2] = low, high
            Image.fromarray(values).save(tmp_path / "deep" / name / f"{i}{suffix}")
    data = read(tmp_path, source=tmp_path / "deep")
    pixels = data.parts["train"].inputs["image"]
    assert pixels.max() - pixels.min() > 190  # not black in the previews
    path = data.parts["test"].extra["path"][0]
    for source in (path, np.asarray(Image.open(path)).astype(np.uint16)):
        np.testing.assert_array_equal(encode(data.encoder, [source]).inputs["image"][0], data.parts["test"].inputs["image"][0])


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-1024.0, 3071.0), (0.001, 0.002)])
def test_floats_of_any_range(tmp_path, low, high):
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "floats" / name).mkdir(parents=True)
        for i in range(10):
            Image.fromarray(random.uniform(low, high, (16, 16)).astype(np.float32)).save(tmp_path / "floats" / name / f"{i}.tif")
    data = read(tmp_path, source=tmp_path / "floats")
    pixels = data.parts["train"].inputs["image"]
    if high > 0.01:
        assert pixels.max() - pixels.min() > 200
    path = data.parts["test"].extra["path"][0]
    np.testing.assert_array_equal(
        encode(data.encoder, [np.asarray(Image.open(path))]).inputs["image"][0], data.parts["test"].inputs["image"][0]
    )


@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_float_arrays_of_an_npz(tmp_path, scale):
    x = np.random.default_rng(0).random((30, 12, 12, 3)).astype(np.float32) * scale
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(30) % 2)
    pixels = read(tmp_path, source=tmp_path / "a.npz").parts["train"].inputs["image"]
    assert pixels.max() - pixels.min() > 200


def test_values_beyond_the_training_range_are_clipped_and_reported():
    encoder = ImageEncoder(height=4, width=4, channels=1, integer_range=(0.0, 4095.0), brightness=(50.0, 200.0), contrast=(20.0, 90.0))
    found = encode(encoder, [np.full((4, 4), 60000, np.uint16)])
    assert (found.inputs["image"] == 255).all()
    assert found.warnings


def test_images_that_are_all_the_same_are_refused_with_the_cause(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "white" / name).mkdir(parents=True)
        for i in range(10):
            Image.new("RGB", (16, 16), "white").save(tmp_path / "white" / name / f"{i}.png")
    with pytest.raises(DataError, match=r"All 20 images are the same after decoding: a single colour \(255, 255, 255 of 255\)"):
        read(tmp_path, source=tmp_path / "white")
    data = read(tmp_path, source=fill(tmp_path / "white", classes=("a", "b"), count=8))
    assert any("4 of 20 images are of a single colour" in text for text in data.warnings)


def test_phone_photos_keep_their_orientation(tmp_path):
    folder = fill(tmp_path / "phone", count=8, size=32)
    exif = Image.Exif()
    exif[0x0112] = 6
    first = folder / "circle" / "0.png"
    upright = np.asarray(Image.open(first))
    Image.fromarray(np.rot90(upright)).save(folder / "circle" / "0.jpg", exif=exif, quality=95)
    encoder = ImageEncoder(height=32, width=32, channels=3)
    gap = np.abs(decode(encoder, folder / "circle" / "0.jpg").pixels.astype(int) - upright)
    assert gap.mean() < 8
    assert sum(rows(read(tmp_path, source=folder)).values()) == 25


def test_heic_without_its_reader_names_the_package():
    content = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    with pytest.raises(DataError, match=r"HEIC|damaged|as an image") as error:
        decode(ImageEncoder(height=4, width=4, channels=3), io.BytesIO(content).getvalue())
    try:
        import pillow_heif  # noqa: F401
    except ImportError:
        assert "pip install pillow-heif" in str(error.value)
