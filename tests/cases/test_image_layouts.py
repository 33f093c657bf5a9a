"""Folders of images as people have them: what is a class, a part, a wrapper, and what is left out and reported."""

import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from applied_dl.core.errors import AppliedError, DataError
from tests.cases.image_files import SHAPES, fill, read, rows


@pytest.mark.parametrize("inside", ["", "dataset", "archive/data/images", "kaggle/working/my data"])
def test_wrapper_folders_are_entered(tmp_path, inside):
    fill(tmp_path / "zoo" / inside)
    data = read(tmp_path, source=tmp_path / "zoo")
    assert data.encoder.labels == SHAPES
    assert sum(rows(data).values()) == 30
    assert bool(inside) == any("images were found in the folder" in text for text in data.warnings)


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [("train", "val", "test"), ("Train", "Valid", "Test"), ("training", "validation", "testing"), ("seg_train", "seg_val", "seg_test"),
     ("TRAIN", "dev", "eval"), ("train_set", "val set", "test-set")],
)  # fmt: skip
def test_parts_under_any_usual_name(tmp_path, train, validation, test):
    for seed, (part, count) in enumerate(((train, 8), (validation, 3), (test, 4))):
        fill(tmp_path / "zoo" / part, count=count, seed=seed)
    assert rows(read(tmp_path, source=tmp_path / "zoo")) == {"train": 24, "validation": 9, "test": 12}


def test_wrappers_inside_parts_are_entered(tmp_path):
    fill(tmp_path / "seg_train" / "seg_train", count=8)
    fill(tmp_path / "seg_test" / "seg_test", count=4, seed=1)
    assert rows(read(tmp_path, source=tmp_path))["test"] == 12


@pytest.mark.parametrize("unlabelled", ["test", "test/test", "test/unknown"])
def test_a_test_folder_without_labels_is_reported_and_not_used(tmp_path, unlabelled):
    fill(tmp_path / "zoo" / "train")
    fill(tmp_path / "flat", classes=("circle",), count=7, seed=1)
    (tmp_path / "zoo" / unlabelled).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(tmp_path / "flat" / "circle", tmp_path / "zoo" / unlabelled)
    data = read(tmp_path, source=tmp_path / "zoo")
    assert data.encoder.labels == SHAPES
    assert sum(rows(data).values()) == 30
    assert any("7 images of 'test' have no labels" in text for text in data.warnings)


@pytest.mark.parametrize("beside", ["test", "Validation", "unlabeled", "pred"])
def test_images_without_labels_beside_class_folders(tmp_path, beside):
    fill(tmp_path / "zoo")
    fill(tmp_path / "flat", classes=("circle",), count=7, seed=1)
    shutil.move(tmp_path / "flat" / "circle", tmp_path / "zoo" / beside)
    data = read(tmp_path, source=tmp_path / "zoo")
    assert data.encoder.labels == SHAPES
    assert sum(rows(data).values()) == 30
    assert any(f"'{beside}'" in text and "not used" in text for text in data.warnings)


def test_a_test_part_beside_class_folders(tmp_path):
    fill(tmp_path / "zoo")
    fill(tmp_path / "zoo" / "test", count=4, seed=1)
    data = read(tmp_path, source=tmp_path / "zoo")
    assert data.encoder.labels == SHAPES
    assert rows(data)["test"] == 12


def test_class_folders_that_hold_parts(tmp_path):
    for name in SHAPES:
        for part, count in (("train", 8), ("test", 4)):
            fill(tmp_path / "move", classes=(name,), count=count, seed=count)
            (tmp_path / "zoo" / name).mkdir(parents=True, exist_ok=True)
            shutil.move(tmp_path / "move" / name, tmp_path / "zoo" / name / part)
    data = read(tmp_path, source=tmp_path / "zoo")
    assert data.encoder.labels == SHAPES
    assert rows(data)["test"] == 12


def test_classes_below_folders_where_their_names_repeat(tmp_path):
    for number in range(1, 4):
        fill(tmp_path / f"camera{number}", classes=("circle", "cross"), count=6, seed=number)
    data = read(tmp_path, source=tmp_path, group=r"(camera\d)")
    assert data.encoder.labels == ("circle", "cross")
    assert data.facts["summary"].endswith("3 groups")
    deep = tmp_path / "deep"  # names that do not repeat are no classes: the first level is
    fill(deep / "animals", classes=("circle a", "circle b"), count=6)
    fill(deep / "things", classes=("cross a", "cross b"), count=6)
    assert read(tmp_path, source=deep).encoder.labels == ("animals", "things")


def test_files_of_the_operating_system_are_skipped(tmp_path):
    folder = fill(tmp_path / "zoo")
    for junk in ("__MACOSX/circle/._0.png", ".ipynb_checkpoints/0-checkpoint.png", "circle/.DS_Store", "cross/Thumbs.db", "@eaDir/0.png",
                 "desktop.ini"):  # fmt: skip
        (folder / junk).parent.mkdir(parents=True, exist_ok=True)
        (folder / junk).write_bytes(b"\0\5\x16\7")
    data = read(tmp_path, source=folder)
    assert data.encoder.labels == SHAPES
    assert sum(rows(data).values()) == 30
    assert not data.warnings


def test_a_zip_is_read_like_its_folder(tmp_path):
    folder = fill(tmp_path / "zoo" / "data")
    with zipfile.ZipFile(tmp_path / "zoo.zip", "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(tmp_path))
    assert read(tmp_path, source=tmp_path / "zoo.zip").fingerprint == read(tmp_path, source=tmp_path / "zoo").fingerprint
    (tmp_path / "bad.zip").write_bytes(b"PK\3\4 no archive")
    with pytest.raises(DataError, match=r"bad\.zip"):
        read(tmp_path, source=tmp_path / "bad.zip")


@pytest.mark.parametrize(
    ("suffix", "form"),
    [(".avif", "AVIF"), (".jfif", "JPEG"), (".JPEG", "JPEG"), (".webp", "WEBP"), (".bmp", "BMP"), (".gif", "GIF"), (".TIF", "TIFF"),
     (".ppm", "PPM"), (".tga", "TGA"), (".jp2", "JPEG2000"), (".ico", "ICO"), (".qoi", "QOI"), ("", "PNG"), (".image", "PNG")],
)  # fmt: skip
def test_no_format_of_pillow_loses_a_class(tmp_path, suffix, form):
    fill(tmp_path / "zoo", classes=("circle", "cross"))
    try:
        fill(tmp_path / "zoo", classes=("triangle",), suffix=suffix, form=form)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow does not write {form}")
    data = read(tmp_path, source=tmp_path / "zoo")
    assert data.encoder.labels == SHAPES
    assert sum(rows(data).values()) == 30


@pytest.mark.parametrize(
    ("suffix", "content", "says"),
    [
        (".heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "pillow-heif"),
        (".dcm", b"\0" * 128 + b"DICM", "pydicom"),
        (".NEF", b"MM\0*\0\0\0\0", "rawpy"),
        (".svg", b"<svg/>", "PNG"),
        (".png", b"", "empty"),
        (".jpg", b"<html>404</html>", "first bytes"),
    ],
)
def test_a_class_that_would_be_lost_is_refused_with_the_cure(tmp_path, suffix, content, says):
    fill(tmp_path / "zoo", classes=("circle", "cross"), count=60)
    (tmp_path / "zoo" / "triangle").mkdir()
    for i in range(3):
        (tmp_path / "zoo" / "triangle" / f"{i}{suffix}").write_bytes(content)
    with pytest.raises(DataError, match=r"triangle") as error:
        read(tmp_path, source=tmp_path / "zoo")
    assert says in str(error.value)
    assert error.value.exit_code == 3


def test_folders_that_are_no_classes_are_reported(tmp_path):
    folder = fill(tmp_path / "zoo")
    (folder / "annotations").mkdir()
    (folder / "annotations" / "0.xml").write_text("<a/>")
    (folder / "empty").mkdir()
    data = read(tmp_path, source=folder)
    assert data.encoder.labels == SHAPES
    assert any("'annotations' holds no images (1 .xml files)" in text for text in data.warnings)


def test_labels_in_file_names_only_when_asked(tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for name in SHAPES:
        fill(tmp_path / "zoo", classes=(name,))
        for path in (tmp_path / "zoo" / name).iterdir():
            path.rename(flat / f"{name}_{path.name}")
    with pytest.raises(DataError, match=r"data\.label_pattern"):
        read(tmp_path, source=flat)
    assert read(tmp_path, source=flat, label_pattern=r"^([a-z]+)_\d+").encoder.labels == SHAPES
    numbers = read(tmp_path, source=flat, label_pattern=r"_(\d+)$", kind="regression")
    assert set(numbers.parts["train"].target) <= set(range(10))
    assert numbers.encoder.kind == "regression"
    with pytest.raises(DataError, match="'circle' is the 'label'"):
        read(tmp_path, source=flat, label_pattern=r"^([a-z]+)", kind="regression")
    with pytest.raises(AppliedError, match="does not match"):
        read(tmp_path, source=flat, label_pattern=r"^(circle|cross)_")
    with pytest.raises(AppliedError, match="no group"):
        read(tmp_path, source=flat, label_pattern="^[a-z]+")


def test_a_table_beside_images_has_the_labels(tmp_path):
    flat = fill(tmp_path / "zoo" / "images", classes=("circle",), count=12) / "circle"
    (flat.parent.parent / "labels.csv").write_text("file_name,label\n" + "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(12)))
    data = read(tmp_path, source=tmp_path / "zoo")
    assert data.encoder.labels == ("a", "b")
    assert any("labels were found in 'labels.csv'" in text for text in data.warnings)


def test_parts_without_a_training_part_are_refused(tmp_path):
    for part in ("val", "test"):
        fill(tmp_path / "zoo" / part)
    with pytest.raises(DataError, match="no training part"):
        read(tmp_path, source=tmp_path / "zoo")


def test_labels_of_the_test_part_are_matched_or_refused(tmp_path):
    fill(tmp_path / "train", classes=("Red Kite", "barn_owl"))
    fill(tmp_path / "test", classes=("red kite", "Barn Owl"), count=4, seed=1)
    data = read(tmp_path, train=tmp_path / "train", test=tmp_path / "test")
    assert len(data.parts["test"]) == 8
    assert any("'red kite' as 'Red Kite'" in text for text in data.warnings)
    fill(tmp_path / "test", classes=("heron",), count=4, seed=1)
    with pytest.raises(DataError, match="'heron'"):
        read(tmp_path, train=tmp_path / "train", test=tmp_path / "test")


@pytest.mark.parametrize(("count", "says"), [(2, "2 per class"), (3, "3 per class")])
def test_few_images_per_class_are_named(tmp_path, count, says):
    with pytest.raises(DataError, match=says):
        read(tmp_path, source=fill(tmp_path / "zoo", count=count))


def test_five_images_per_class_train(tmp_path):
    data = read(tmp_path, source=fill(tmp_path / "zoo", count=5))
    assert min(rows(data).values()) > 0


def test_the_pattern_of_words_before_numbers_is_proposed(tmp_path):
    fill(tmp_path / "made", count=8)
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in (tmp_path / "made").glob("*/*.png"):
        path.rename(flat / f"{path.parent.name}.{path.name}")
    with pytest.raises(DataError, match="begin with 'circle', 'cross', 'triangle'") as caught:
        read(tmp_path, source=flat)
    pattern = str(caught.value).split("data.label_pattern = '")[1].split("'")[0]
    assert read(tmp_path, source=flat, label_pattern=pattern).encoder.labels == SHAPES


def test_labels_in_the_names_of_one_folder_are_proposed(tmp_path):
    flat = tmp_path / "dogs-vs-cats" / "all"
    flat.mkdir(parents=True)
    for path in fill(tmp_path / "made", count=8).glob("*/*.png"):
        path.rename(flat / f"{path.parent.name}.{path.name}")
    with pytest.raises(DataError, match="begin with 'circle', 'cross', 'triangle': data.label_pattern"):
        read(tmp_path, source=flat.parent)


def test_parts_named_in_other_languages(tmp_path):
    for part, count in (("Training", 8), ("Validierung", 4), ("Prueba", 4)):
        fill(tmp_path / "zoo" / part, count=count, seed=count + len(part))
    assert rows(read(tmp_path, source=tmp_path / "zoo")) == {"train": 24, "validation": 12, "test": 12}


def test_a_folder_for_each_patient_within_the_classes_is_reported(tmp_path):
    random = np.random.default_rng(0)
    for patient in range(16):
        base = random.uniform(60, 200, (4, 4, 3))
        folder = tmp_path / "zoo" / "ab"[patient % 2] / f"patient{patient}"
        folder.mkdir(parents=True)
        for i in range(6):
            pixels = np.kron(base, np.ones((4, 4, 1))) + random.normal(0, 6, (16, 16, 3))
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{i}.png")
    data = read(tmp_path, source=tmp_path / "zoo")
    assert any("images of a folder look alike" in text and text.endswith("data.group = 'folder'") for text in data.warnings)
    assert "16 groups" in read(tmp_path, source=tmp_path / "zoo", group="folder").facts["summary"]
