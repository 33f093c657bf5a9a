"""Images that are damaged, foreign or odd: what `predict` says of each, and that the good ones beside them get their masks."""

import io

import numpy as np
import pytest
from PIL import Image

from applied_dl.core.errors import DataError, UsageError
from applied_dl.predictor import load
from applied_dl.tasks.segment.drawing import read_mask
from tests.hostile import one_sentence


@pytest.fixture(scope="module")
def predictor(trained):
    return load(trained("segment").bundle, "fp32")


def image(mode: str = "RGB", size=(40, 30)) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def png(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK", "I;16"])
def test_every_mode_gets_a_mask_of_its_size(mode, predictor):
    if mode == "I;16":
        given = Image.fromarray(np.full((30, 40), 4000, np.uint16))
    else:
        given = image(mode)
    (one,) = predictor.predict([png(given, "TIFF" if mode == "CMYK" else "PNG")])
    assert read_mask(one["mask"]).shape == (30, 40)


def test_orientation_animations_and_tiny_images(predictor):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned, moving, dot, line = predictor.predict([
        png(image(), "JPEG", exif=exif),
        png(image(), "GIF", save_all=True, append_images=[image(size=(40, 30)).rotate(90)]),
        png(image(size=(1, 1))),
        png(image(size=(300, 1))),
    ])  # fmt: skip
    assert [read_mask(one["mask"]).shape for one in (turned, moving, dot, line)] == [(40, 30), (30, 40), (1, 1), (1, 300)]


@pytest.mark.parametrize("content", [b"", b"none", png(image())[:60], b"\xff\xd8\xff\xe0" + b"0" * 40])
def test_a_damaged_image_is_named_between_good_ones(content, predictor):
    first, bad, last = predictor.predict([png(image()), content, png(image())])
    assert first == last
    assert bad["input"] == 1
    one_sentence(bad["error"], ())


def test_what_is_no_image(predictor, tmp_path):
    for bad in (None, 7, {"a": 1}, np.zeros((3, 4, 5), np.uint8), np.full((4, 4, 3), np.nan), "no/such.png"):
        try:
            (one,) = predictor.predict([bad])
        except (UsageError, DataError) as error:
            one_sentence(str(error), ())
        else:
            one_sentence(one["error"], ())
    with pytest.raises(UsageError, match="no options|arrays"):
        predictor.predict([png(image())], top=3)
    with pytest.raises(DataError, match="holds no images"):
        predictor.expand_inputs([str(tmp_path)])
