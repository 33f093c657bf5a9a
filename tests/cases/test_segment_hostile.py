"""Masks and images as they go wrong: a sentence that says what to do, or a reading that is right."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from applied_dl.core.errors import DataError
from tests.cases.segment_files import every_mask, fill, read, scene
from tests.hostile import one_sentence


def refused(tmp_path, words: str, **data) -> None:
    with pytest.raises(DataError) as error:
        read(tmp_path, source=tmp_path / "d", **data)
    one_sentence(str(error.value), (words,))


def test_no_masks_no_images_one_image_and_other_names(tmp_path):
    fill(tmp_path / "d", masks="../elsewhere")
    refused(tmp_path, "no masks")
    fill(tmp_path / "e", images="../other")
    with pytest.raises(DataError, match="no images"):
        read(tmp_path, source=tmp_path / "e")
    with pytest.raises(DataError, match="too few"):
        read(tmp_path, source=fill(tmp_path / "f", 1))
    fill(tmp_path / "g", images="images")
    for path in (tmp_path / "g" / "masks").iterdir():
        path.rename(path.with_name(f"x{path.name}"))
    with pytest.raises(DataError, match="has a mask of its name"):
        read(tmp_path, source=tmp_path / "g")


def test_missing_masks_are_reported_and_many_are_refused(tmp_path):
    fill(tmp_path / "d", 40)
    (tmp_path / "d" / "masks" / "007.png").unlink()
    assert any("1 of 40 images have no mask" in note for note in read(tmp_path, source=tmp_path / "d").warnings)
    for i in range(10, 20):
        (tmp_path / "d" / "masks" / f"{i:03d}.png").unlink()
    refused(tmp_path, "have no mask")


def test_a_mask_of_another_size(tmp_path):
    """The same proportions are resized; others are no mask of this image."""
    fill(tmp_path / "d")
    Image.fromarray(scene(3)[1]).resize((96, 64), Image.Resampling.NEAREST).save(tmp_path / "d" / "masks" / "003.png")
    data = read(tmp_path, source=tmp_path / "d")
    assert any("1 of 12 masks have another size" in note for note in data.warnings)
    np.testing.assert_array_equal(every_mask(data)["003"], scene(3)[1])
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(tmp_path / "d" / "masks" / "003.png")
    refused(tmp_path, "expected the same size")


def test_images_of_other_proportions_are_stretched_and_reported(tmp_path):
    fill(tmp_path / "d")
    fill(tmp_path / "d", 3, first=12, size=(32, 100))
    assert any("3 of 15 images have other proportions" in note for note in read(tmp_path, source=tmp_path / "d").warnings)
    assert not any("proportions" in note for note in read(tmp_path, source=tmp_path / "d", resize="pad").warnings)


def test_two_masks_of_one_image(tmp_path):
    fill(tmp_path / "d")
    fill(tmp_path / "d", 1, images="images", masks="masks", end="_mask")
    refused(tmp_path, "2 masks")


def test_values_beyond_the_names(tmp_path):
    fill(tmp_path / "d")
    refused(tmp_path, "name its class, or list it in data.ignore", classes=["a", "b"])
    assert read(tmp_path, source=tmp_path / "d", classes=["a", "b"], ignore=[2]).encoder.labels == ("a", "b")
    refused(tmp_path, "data.ignore names 'sky'", ignore=["sky"])
    refused(tmp_path, "no file of classes", classes="nowhere.txt")


def test_a_new_value_in_another_part_is_one_unreadable_image(tmp_path):
    fill(tmp_path / "d", 12, "train/images", "train/masks")
    fill(tmp_path / "d", 12, "test/images", "test/masks", first=12)
    Image.fromarray(np.full((32, 48), 9, np.uint8)).save(tmp_path / "d" / "test" / "masks" / "013.png")
    data = read(tmp_path, source=tmp_path / "d")
    assert any("the value 9" in note for note in data.warnings)
    assert "013" not in every_mask(data)


def test_void_alone_and_one_class(tmp_path):
    fill(tmp_path / "d", form=lambda mask: Image.fromarray(np.full_like(mask, 255)))
    refused(tmp_path, "at least two classes", ignore=[255])
    fill(tmp_path / "e", form=lambda mask: Image.fromarray(np.zeros_like(mask)))
    with pytest.raises(DataError, match="nothing to learn|at least two classes"):
        read(tmp_path, source=tmp_path / "e", classes=["a", "b"])
    with pytest.raises(DataError, match="at least two classes"):
        read(tmp_path, source=tmp_path / "e")


def test_some_masks_void_altogether_are_reported(tmp_path):
    fill(tmp_path / "d", 20, "train/images", "train/masks")
    fill(tmp_path / "d", 8, "test/images", "test/masks", first=20)
    for i in range(20):
        if i % 2:
            Image.fromarray(np.full((32, 48), 255, np.uint8)).save(tmp_path / "d" / "train" / "masks" / f"{i:03d}.png")
    data = read(tmp_path, source=tmp_path / "d")
    assert any("void altogether" in note for note in data.warnings)


def test_jpeg_masks_are_sharpened_where_two_classes_are_meant_and_refused_else(tmp_path):
    fill(tmp_path / "d", classes=2, form=lambda mask: Image.fromarray(mask * np.uint8(255)))
    for path in sorted((tmp_path / "d" / "masks").iterdir()):
        Image.open(path).save(path.with_suffix(".jpg"), quality=40)
        path.unlink()
    data = read(tmp_path, source=tmp_path / "d")
    assert any("blurred" in note for note in data.warnings)
    wrong = np.mean([(mask != scene(int(name), classes=2)[1]).mean() for name, mask in every_mask(data).items()])
    assert wrong < 0.02
    random = np.random.default_rng(0)
    for path in (tmp_path / "d" / "masks").iterdir():
        Image.fromarray(random.integers(0, 256, (32, 48), dtype=np.uint8)).save(path)
    refused(tmp_path, "different grey values")


def test_jpeg_masks_in_colour_need_their_colours(tmp_path):
    colors = np.array([(0, 0, 0), (220, 20, 60), (0, 60, 230)], np.uint8)
    fill(tmp_path / "d", form=lambda mask: Image.fromarray(colors[mask]))
    for path in sorted((tmp_path / "d" / "masks").iterdir()):
        Image.open(path).resize((96, 64), Image.Resampling.NEAREST).save(path.with_suffix(".jpg"), quality=70)
        path.unlink()
    refused(tmp_path, "list the colours")
    (tmp_path / "d" / "classes.txt").write_text("ground 0 0 0\nred 220 20 60\nblue 0 60 230\n")
    data = read(tmp_path, source=tmp_path / "d")
    wrong = np.mean([(mask != scene(int(name))[1])[mask != 255].mean() for name, mask in every_mask(data).items()])
    assert wrong < 0.06


def test_masks_drawn_before_the_camera_turned_the_image(tmp_path):
    """EXIF turns the image by 90 degrees: a mask in the size of the file is turned with it, one in the shown size is not."""
    fill(tmp_path / "d")
    exif = Image.Exif()
    exif[0x0112] = 6
    image, mask = scene(4)
    Image.fromarray(image).save(tmp_path / "d" / "images" / "004.jpg", exif=exif)
    Image.fromarray(mask).save(tmp_path / "d" / "masks" / "004.png")
    as_file = every_mask(read(tmp_path, source=tmp_path / "d", image_size=[48, 48]))["004"]
    Image.fromarray(np.ascontiguousarray(np.rot90(mask, -1))).save(tmp_path / "d" / "masks" / "004.png")
    as_shown = every_mask(read(tmp_path, source=tmp_path / "d", image_size=[48, 48]))["004"]
    np.testing.assert_array_equal(as_file, as_shown)


def test_grey_images_images_with_alpha_and_damaged_files(tmp_path):
    fill(tmp_path / "d", 20)
    for path in (tmp_path / "d" / "images").iterdir():
        Image.open(path).convert("L").save(path)
    assert read(tmp_path, source=tmp_path / "d").encoder.channels == 1
    Image.fromarray(np.dstack([scene(1)[0], np.full((32, 48), 90, np.uint8)])).save(tmp_path / "d" / "images" / "001.png")
    (tmp_path / "d" / "images" / "001.jpg").unlink()
    assert read(tmp_path, source=tmp_path / "d").encoder.channels == 3
    (tmp_path / "d" / "images" / "002.jpg").write_bytes(b"")
    data = read(tmp_path, source=tmp_path / "d", max_unreadable=0.06)
    assert any("it is empty" in note for note in data.warnings)
    (tmp_path / "d" / "masks" / "003.png").write_bytes(b"\x89PNG\r\n")
    refused(tmp_path, "cannot be read")


def test_masks_of_floats_and_photographs(tmp_path):
    fill(tmp_path / "d")
    Image.fromarray(np.full((32, 48), 0.5, np.float32)).save(tmp_path / "d" / "masks" / "000.tif")
    (tmp_path / "d" / "masks" / "000.png").unlink()
    refused(tmp_path, "not whole")
    fill(tmp_path / "e")
    random = np.random.default_rng(0)
    for path in (tmp_path / "e" / "masks").iterdir():
        Image.fromarray(random.integers(0, 256, (32, 48, 3), dtype=np.uint8)).save(path)
    with pytest.raises(DataError, match="photographs"):
        read(tmp_path, source=tmp_path / "e")


def test_the_same_image_stays_in_one_part(tmp_path):
    fill(tmp_path / "d", 10)
    for i in range(10):
        for kind, suffix in (("images", "jpg"), ("masks", "png")):
            content = (tmp_path / "d" / kind / f"{i:03d}.{suffix}").read_bytes()
            (tmp_path / "d" / kind / f"1{i:02d}.{suffix}").write_bytes(content)
    data = read(tmp_path, source=tmp_path / "d")
    parts = [{name[-2:] for name in every_mask_of(part)} for part in data.parts.values()]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert data.facts["duplicates"] == 10


def every_mask_of(part) -> list[str]:
    return [path.rpartition("/")[2].partition(".")[0] for path in part.extra["path"]]


COLORS = np.array([(0, 0, 0), (220, 20, 60), (0, 60, 230)], np.uint8)


def smoothed(mask: np.ndarray) -> Image.Image:
    """A mask of 0 and 255 whose edges a drawing program smoothed."""
    return Image.fromarray((mask > 0).astype(np.uint8) * 255).filter(ImageFilter.SMOOTH)


def resized(mask: np.ndarray) -> Image.Image:
    """A coloured mask that was enlarged and reduced again."""
    image = Image.fromarray(COLORS[mask])
    return image.resize((image.width * 4, image.height * 4), Image.Resampling.BICUBIC).resize(image.size, Image.Resampling.LANCZOS)


@pytest.mark.parametrize(("form", "classes"), [(smoothed, ("background", "foreground")), (resized, ("#000000", "#003ce6", "#dc143c"))])
def test_smoothed_edges_are_no_classes(form, classes, tmp_path):
    """Each pixel is of the nearest class, most of them as they were drawn; the share is reported."""
    data = read(tmp_path, source=fill(tmp_path / "d", form=form))
    assert data.encoder.labels == classes
    assert any("smoothed edges" in note for note in data.warnings)
    names = np.array([0, 1, 1]) if len(classes) == 2 else np.array([0, 2, 1])
    wrong = [(mask != names[scene(int(name))[1]])[mask != 255].mean() for name, mask in every_mask(data).items()]
    assert np.mean(wrong) < 0.02


def test_smoothed_edges_beside_listed_names_and_colours(tmp_path):
    assert read(tmp_path, source=fill(tmp_path / "d", form=smoothed), classes=["ground", "thing"]).encoder.labels == ("ground", "thing")
    fill(tmp_path / "e", form=resized)
    (tmp_path / "e" / "classes.txt").write_text("ground 0 0 0\nred 220 20 60\nblue 0 60 230\n")
    assert read(tmp_path, source=tmp_path / "e").encoder.labels == ("ground", "red", "blue")


def test_thin_classes_are_classes(tmp_path):
    """Lines of one pixel have no inside; a class number between two others is no mixture of them."""

    def outlined(mask):
        edge = np.zeros(mask.shape, bool)
        edge[:, 1:] = mask[:, 1:] != mask[:, :-1]
        return np.where(edge, 1, np.where(mask > 0, 2, 0)).astype(np.uint8)

    assert read(tmp_path, source=fill(tmp_path / "d", form=lambda m: Image.fromarray(outlined(m)))).encoder.labels == ("0", "1", "2")
    coloured = np.array([(0, 0, 0), (250, 250, 0), (0, 60, 230)], np.uint8)
    assert len(read(tmp_path, source=fill(tmp_path / "e", form=lambda m: Image.fromarray(coloured[outlined(m)]))).encoder.labels) == 3


def test_255_beside_other_values_is_a_class_where_values_are_spread_evenly_and_reported_as_void_else(tmp_path):
    data = read(tmp_path, source=fill(tmp_path / "d", form=lambda m: Image.fromarray(np.array([0, 128, 255], np.uint8)[m])))
    assert data.encoder.labels == ("0", "128", "255")
    assert any("255 is a class" in note for note in data.warnings)
    data = read(tmp_path, source=fill(tmp_path / "e", form=lambda m: Image.fromarray(np.array([0, 1, 255], np.uint8)[m])))
    assert data.encoder.labels == ("background", "foreground")
    assert any("255 is read as void" in note for note in data.warnings)


def test_one_name_for_two_values_and_a_stray_pixel(tmp_path):
    fill(tmp_path / "d", form=lambda m: Image.fromarray((m > 0).astype(np.uint8) * 255))
    assert read(tmp_path, source=tmp_path / "d", classes=["cat"]).encoder.labels == ("background", "cat")
    fill(tmp_path / "e", 20, "train/images", "train/masks")
    fill(tmp_path / "e", 4, "test/images", "test/masks", first=20)
    for i in range(20):
        path = tmp_path / "e" / "train" / "masks" / f"{i:03d}.png"
        mask = np.array(Image.open(path))
        mask[0, 0] = 17 if i == 3 else 0
        Image.fromarray(mask).save(path)
    notes = read(tmp_path, source=tmp_path / "e").warnings
    assert any("'17' has 1 training pixel" in note for note in notes) or any("class '17'" in note for note in notes)
