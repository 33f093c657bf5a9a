"""The decoder against Pillow, closed forms and the ways files go wrong."""

import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from applied_dl.core.errors import DataError
from applied_dl.tasks.image.encoder import ImageEncoder, load, save
from applied_dl.vision.image_files import Header, peek
from applied_dl.vision.images import decode, to_uint8

RGB = ImageEncoder(height=12, width=16, channels=3)
GREY = ImageEncoder(height=12, width=16, channels=1)


def noise(height=12, width=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png(image, **keys) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **keys)
    return buffer.getvalue()


def test_every_form_of_an_image_gives_the_same_pixels(tmp_path):
    array = noise()
    image = Image.fromarray(array)
    path = tmp_path / "ключ é.png"
    image.save(path)
    for source in (array, image, png(image), path, str(path)):
        np.testing.assert_array_equal(decode(RGB, source).pixels, array)


def test_resizing_is_pillows_bilinear_filter():
    image = Image.fromarray(noise(50, 40))
    np.testing.assert_array_equal(decode(RGB, image).pixels, np.asarray(image.resize((16, 12), Image.Resampling.BILINEAR)))


def test_sixteen_bits_are_scaled_not_clipped():
    values = np.linspace(0, 65535, 12 * 16).reshape(12, 16).astype(np.uint16)
    got = decode(GREY, png(Image.fromarray(values))).pixels[..., 0]
    np.testing.assert_allclose(got, values / 257, atol=0.51)


def test_orientation_is_applied(tmp_path):
    array = noise(16, 12)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    path = tmp_path / "turned.png"
    Image.fromarray(array).save(path, exif=exif)
    np.testing.assert_array_equal(decode(RGB, path).pixels, np.rot90(array, -1))
    assert peek(path) == Header(12, 16, False)


def test_transparency_is_composited_on_white_by_default():
    clear = Image.new("RGBA", (16, 12), (10, 20, 30, 0))
    assert (decode(RGB, clear).pixels == 255).all()
    half = Image.new("LA", (16, 12), (0, 128))
    np.testing.assert_allclose(decode(GREY, half).pixels, 127, atol=1)


def test_palettes_cmyk_and_grey():
    red = Image.new("RGB", (16, 12), (255, 0, 0))
    assert (decode(RGB, png(red.quantize(4))).pixels == [255, 0, 0]).all()
    np.testing.assert_allclose(decode(RGB, red.convert("CMYK")).pixels, np.full((12, 16, 3), [255, 0, 0]), atol=1)
    assert (decode(GREY, red).pixels == 76).all()  # ITU-R BT.601: 0.299 of 255
    assert (decode(RGB, Image.new("L", (16, 12), 7)).pixels == 7).all()
    assert (decode(GREY, Image.new("1", (16, 12), 1)).pixels == 255).all()


def test_an_animation_gives_its_first_frame_and_a_note():
    frames = [Image.new("RGB", (16, 12), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    done = decode(RGB, buffer.getvalue())
    assert "2 frames" in done.note
    assert (done.pixels == [255, 0, 0]).all()


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_ways_to_fit(fit):
    wide = np.zeros((12, 48, 3), np.uint8)
    wide[:, 16:32] = 200
    got = decode(ImageEncoder(height=12, width=16, channels=3, fit=fit), wide).pixels
    assert got.shape == (12, 16, 3)
    if fit == "crop":
        assert (got == 200).all()
    if fit == "pad":
        assert (got[0] == 128).all()


def bomb() -> bytes:
    """A PNG of 50,000 by 50,000 pixels in a few bytes: only its header is true."""
    chunk = lambda kind, data: len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")  # noqa: E731
    header = (50000).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"<html>not found</html>", "cannot be read as an image"),
        (png(Image.fromarray(noise(64, 64)))[:900], "damaged"),
        (bomb(), "pixels"),
    ],
)
def test_bad_files_give_one_sentence_that_names_them(tmp_path, content, words):
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words) as error:
        decode(RGB, path)
    assert "bad.png" in str(error.value)
    assert str(error.value).count("\n") == 0


def test_a_truncated_jpeg_is_refused(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(noise(64, 64)).save(buffer, "JPEG")
    for content in (buffer.getvalue()[:-200], buffer.getvalue()[: len(buffer.getvalue()) // 2]):
        with pytest.raises(DataError, match="damaged"):
            decode(RGB, content)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((3, 4, 5, 6), np.uint8), "shape"),
        (np.zeros((0, 4), np.uint8), "shape"),
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.full((4, 4), np.nan), "NaN"),
        (np.full((4, 4), 300.0), "0..1"),
        (np.zeros((4, 4), np.complex64), "complex64"),
        (np.full((4, 4), -1), "uint8"),
    ],
)
def test_bad_arrays_are_refused_by_name(array, words):
    with pytest.raises(DataError, match=words):
        decode(RGB, array)


def test_missing_files_and_foreign_types():
    with pytest.raises(DataError, match="no file"):
        decode(RGB, "nowhere.png")
    with pytest.raises(DataError, match="int"):
        decode(RGB, 3)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.sampled_from(["uint8", "uint16", "float32", "bool"]))
def test_any_array_becomes_the_encoders_shape(height, width, channels, kind):
    array = np.random.default_rng(0).random((height, width, channels))
    array = (array * {"uint8": 255, "uint16": 65535}.get(kind, 1)).astype(kind)
    got = decode(RGB, array).pixels
    assert got.shape == (12, 16, 3)
    assert got.dtype == np.uint8


def test_number_types_are_scaled_to_eight_bits():
    np.testing.assert_array_equal(to_uint8(RGB, np.array([0, 65535, 257 * 100], np.uint16)), [0, 255, 100])
    np.testing.assert_array_equal(to_uint8(RGB, np.array([0.0, 1.0, 0.5])), [0, 255, 128])
    np.testing.assert_array_equal(to_uint8(RGB, np.array([True, False])), [255, 0])


def test_save_and_load(tmp_path):
    encoder = ImageEncoder(height=5, width=6, channels=3, labels=("a", "ж"), multi_label=True, brightness=(1.0, 2.0))
    save(encoder, tmp_path)
    assert load(tmp_path) == encoder
    (tmp_path / "encoder.json").write_text("{")
    with pytest.raises(DataError, match="encoder.json"):
        load(tmp_path)
