"""Images and masks through sizes and back: tiles cover every pixel, bars are cut off, corners stay in their places."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from applied_dl.tasks.segment.encoder import VOID, SegmentEncoder, encode_image, fit_mask, load, restore_mask, save, tile_places, tiles_of
from applied_dl.vision.images import decode

SIDES = st.integers(1, 90)


def encoder(fit: str = "stretch", high: int = 16, wide: int = 24) -> SegmentEncoder:
    return SegmentEncoder(
        height=high, width=wide, channels=3, fit=fit, labels=("a", "b"), palette=((0, 0, 0), (9, 9, 9)), reduce_jpeg=False
    )


@settings(max_examples=40, deadline=None)
@given(height=SIDES, width=SIDES, high=st.integers(8, 32), wide=st.integers(8, 32))
def test_tiles_cover_an_image_and_give_it_back(height, width, high, wide):
    mask = np.random.default_rng(0).integers(0, 5, (height, width)).astype(np.uint8)
    form = encoder("tile", high, wide)
    rows, view = encode_image(form, np.repeat(mask[..., None], 3, 2))
    assert rows.shape == (len(view.places), high, wide, 3)
    np.testing.assert_array_equal(restore_mask(form, rows[..., 0], view), mask)
    assert view.places == tile_places(height, width, high, wide)


@pytest.mark.parametrize("fit", ["stretch", "pad"])
@settings(max_examples=30, deadline=None)
@given(factor=st.integers(1, 4), turned=st.booleans())
def test_a_mask_is_placed_as_its_image_and_given_back(fit, factor, turned):
    size = (16 * factor, 24 * factor) if not turned else (24 * factor, 16 * factor)
    mask = np.zeros(size, np.uint8)
    mask[: size[0] // 2, : size[1] // 2] = 1
    form = encoder(fit)
    shown = decode(form, np.repeat(mask[..., None] * np.uint8(255), 3, 2)).pixels[..., 0]
    fitted = fit_mask(form, mask)
    inside = fitted != VOID
    assert inside.mean() == 1 if fit == "stretch" or not turned else inside.mean() < 1
    assert ((shown > 127) == (fitted == 1))[inside].mean() > 0.9
    rows, view = encode_image(form, np.repeat(mask[..., None], 3, 2))
    assert rows.shape == (1, 16, 24, 3)
    again = restore_mask(form, np.where(fitted == VOID, 0, fitted)[None], view)
    assert again.shape == size
    assert (again == mask).mean() > 0.9


def test_bars_agree_with_the_image(tmp_path):
    """Where `pad` puts grey bars beside the image, the mask is void, for any proportions."""
    form = encoder("pad", 32, 32)
    for size in ((10, 90), (90, 10), (31, 32), (64, 63), (7, 200)):
        image = np.full((*size, 3), 255, np.uint8)
        shown = decode(form, image).pixels[..., 0]
        np.testing.assert_array_equal(shown == 128, fit_mask(form, np.ones(size, np.uint8)) == VOID)


def test_tiles_of_a_small_image_are_filled_up():
    rows = tiles_of(np.ones((3, 4), np.uint8), ((0, 0),), (5, 6), VOID)
    assert (rows[0, :3, :4] == 1).all()
    assert (rows == VOID).sum() == 18


def test_it_is_written_and_read(tmp_path):
    save(encoder("tile"), tmp_path)
    assert load(tmp_path) == encoder("tile")


def test_every_form_of_an_image(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    for source in (pixels, Image.fromarray(pixels), tmp_path / "a.png", (tmp_path / "a.png").read_bytes()):
        rows, view = encode_image(encoder(), source)
        np.testing.assert_array_equal(rows[0], pixels)
        assert (view.height, view.width) == (16, 24)
