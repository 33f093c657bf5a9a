"""Readers of labelled images: what they find, what they refuse, and in which words."""

import numpy as np
import pytest
from PIL import Image

from applied_dl.core.errors import AppliedError, DataError
from applied_dl.tasks.image.readers.read import read_images, read_labeled
from applied_dl.workflows import recipes


def section(**keys):
    return recipes.read_recipe({"task": "image", "data": keys}).data


def read(tmp_path, **keys):
    return read_images(section(**keys), 0, tmp_path / "cache")


def fill(folder, count=10, classes=("cat", "dög"), size=(20, 24), kind="png", seed=0):
    random = np.random.default_rng(seed)
    for name in classes:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)).save(folder / name / f"é{i}.{kind}")
    return folder


def test_digits_are_the_offline_default(tmp_path):
    data = read(tmp_path)
    assert [len(data.parts[p]) for p in ("train", "validation", "test")] == [1257, 179, 361]
    assert data.parts["train"].inputs["image"].shape == (1257, 8, 8, 1)
    assert data.encoder.labels == tuple("0123456789")
    again = read(tmp_path)
    assert again.fingerprint == data.fingerprint


def test_a_folder_of_class_folders(tmp_path):
    data = read(tmp_path, source=str(fill(tmp_path / "pets")))
    assert data.encoder.labels == ("cat", "dög")
    assert data.encoder.height == 20
    assert sum(len(p) for p in data.parts.values()) == 20
    assert all((np.bincount(data.parts["train"].target) == 7).tolist())


def test_part_folders_are_used_as_they_are(tmp_path):
    for part, seed in (("train", 1), ("val", 2), ("test", 3)):
        fill(tmp_path / "pets" / part, count=4, seed=seed)
    data = read(tmp_path, source=str(tmp_path / "pets"))
    assert {name: len(part) for name, part in data.parts.items()} == {"train": 8, "validation": 8, "test": 8}
    assert all("val" in p for p in data.parts["validation"].extra["path"])


def test_named_parts_and_a_missing_validation(tmp_path):
    train, test = fill(tmp_path / "a", seed=1), fill(tmp_path / "b", count=3, seed=2)
    data = read(tmp_path, train=str(train), test=str(test))
    assert len(data.parts["test"]) == 6
    assert len(data.parts["train"]) + len(data.parts["validation"]) == 20
    assert 0 < len(data.parts["validation"]) < 6


def test_duplicates_stay_on_one_side(tmp_path):
    folder = fill(tmp_path / "pets", count=12)
    for i in range(6):
        (folder / "cat" / f"copy{i}.png").write_bytes((folder / "cat" / f"é{i}.png").read_bytes())
    data = read(tmp_path, source=str(folder))
    assert data.facts["duplicates"] == 6
    seen = {name: {p.tobytes() for p in part.inputs["image"]} for name, part in data.parts.items()}
    assert not seen["train"] & seen["test"]
    assert not seen["train"] & seen["validation"]


def test_equal_images_with_different_labels_are_reported(tmp_path):
    folder = fill(tmp_path / "pets", count=12)
    assert not any("different labels" in text for text in read(tmp_path, source=str(folder)).warnings)
    for i in range(2):
        (folder / "dög" / f"copy{i}.png").write_bytes((folder / "cat" / f"é{i}.png").read_bytes())
    data = read(tmp_path, source=str(folder))
    assert any("2 images are there several times with different labels" in text and "copy" in text for text in data.warnings)


def test_a_table_with_one_label(tmp_path):
    fill(tmp_path / "pets")
    lines = ["path,kind"] + [f"pets/{name}/é{i}.png,{name}" for name in ("cat", "dög") for i in range(10)]
    (tmp_path / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    data = read(tmp_path, source=str(tmp_path / "labels.csv"), target="kind")
    assert data.encoder.labels == ("cat", "dög")
    with pytest.raises(DataError, match="kind"):
        read(tmp_path, source=str(tmp_path / "labels.csv"), target="kindd")


def test_images_without_any_of_several_labels_are_counted(tmp_path):
    fill(tmp_path / "pets", classes=("x",), count=20)
    lines = ["path,tags", *(f"pets/x/é{i}.png,{['a b', 'b', '', 'a'][i % 4]}" for i in range(20))]
    (tmp_path / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    assert any("5 of 20 images have no label of 'tags'" in text for text in read(tmp_path, source=str(tmp_path / "labels.csv")).warnings)


@pytest.mark.parametrize("form", ["bar", "rows"])
def test_several_labels_a_image(tmp_path, form):
    fill(tmp_path / "pets", classes=("x",), count=20)
    rows = [(f"pets/x/é{i}.png", ["a"] + (["b"] if i % 2 else [])) for i in range(20)]
    cells = [f"{p},{'|'.join(ls)}" for p, ls in rows] if form == "bar" else [f"{p},{label}" for p, ls in rows for label in ls]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label", *cells]), encoding="utf-8")
    data = read(tmp_path, source=str(tmp_path / "labels.csv"))
    assert data.encoder.multi_label
    total = sum(part.target.sum(0) for part in data.parts.values())
    np.testing.assert_array_equal(total, [20, 10])


def test_parquet_and_arrays(tmp_path):
    import polars as pl

    fill(tmp_path / "pets")
    paths = [f"pets/{name}/é{i}.png" for name in ("cat", "dög") for i in range(10)]
    pl.DataFrame({"file": paths, "label": [1] * 10 + [2] * 10}).write_parquet(tmp_path / "t.parquet")
    assert read(tmp_path, source=str(tmp_path / "t.parquet")).encoder.labels == ("1", "2")
    x = np.random.default_rng(0).integers(0, 256, (30, 9, 9), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x_train=x[:20], y_train=np.arange(20) % 2, x_test=x[20:], y_test=np.arange(10) % 2)
    data = read(tmp_path, source=str(tmp_path / "a.npz"))
    assert len(data.parts["test"]) == 10
    np.testing.assert_array_equal(data.parts["test"].inputs["image"][..., 0], x[20:])


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.zeros((4, 8, 8), np.uint8)}, "no labels"),
        ({"y": np.zeros(4)}, "no array of images"),
        ({"x": np.zeros((4, 8, 8), np.uint8), "y": np.zeros(3, int)}, "4 images and 3 labels"),
        ({"x": np.full((4, 8, 8), np.nan), "y": np.arange(4)}, "NaN"),
        ({"x": np.zeros((4, 8), np.uint8), "y": np.arange(4)}, "shape"),
        ({"x": np.zeros((4, 8, 8), np.uint8), "y": np.array([0, 1, np.nan, 1])}, "labels hold NaN"),
        ({"x": np.zeros((4, 8, 8), np.uint8), "y": np.zeros(4, int)}, "only the class '0'"),
    ],
)
def test_bad_arrays_report_what_is_wrong(tmp_path, arrays, words):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(DataError, match=words):
        read(tmp_path, source=str(tmp_path / "bad.npz"))


def test_empty_folders_one_class_and_loose_images(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no images"):
        read(tmp_path, source=str(tmp_path / "empty"))
    with pytest.raises(DataError, match="only the class 'cat'"):
        read(tmp_path, source=str(fill(tmp_path / "one", classes=("cat",))))
    with pytest.raises(DataError, match="no class folders"):
        read(tmp_path, source=str(tmp_path / "one" / "cat"))


def test_a_class_of_one_image_is_reported(tmp_path):
    folder = fill(tmp_path / "pets")
    fill(folder, classes=("rare",), count=1, seed=9)
    data = read(tmp_path, source=str(folder))
    assert any("'rare' (1)" in w for w in data.warnings)


def test_unreadable_images_are_skipped_up_to_a_share_and_listed(tmp_path):
    folder = fill(tmp_path / "pets", count=20)
    (folder / "cat" / "zero.jpg").write_bytes(b"")
    data = read(tmp_path, source=str(folder))
    assert data.facts["unreadable"] == 1
    assert any("zero.jpg" in w for w in data.warnings)
    assert sum(len(p) for p in data.parts.values()) == 40
    with pytest.raises(DataError, match=r"zero\.jpg"):
        read(tmp_path, source=str(folder), max_unreadable=0.0)


def test_a_table_that_points_nowhere(tmp_path):
    (tmp_path / "labels.csv").write_text("path,label\nno/a.png,x\nno/b.png,y\n")
    with pytest.raises(DataError, match="There is no file"):
        read(tmp_path, source=str(tmp_path / "labels.csv"))
    (tmp_path / "empty.csv").write_text("path,label\n")
    with pytest.raises(DataError, match="no rows"):
        read(tmp_path, source=str(tmp_path / "empty.csv"))
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no column of image paths"):
        read(tmp_path, source=str(tmp_path / "other.csv"))


def test_loops_of_links_end(tmp_path):
    folder = fill(tmp_path / "pets")
    (folder / "cat" / "loop").symlink_to(folder)
    data = read(tmp_path, source=str(folder))
    assert sum(len(p) for p in data.parts.values()) == 20
    assert data.facts["duplicates"] == 0


def test_names_that_are_nothing(tmp_path):
    with pytest.raises(DataError, match="Did you mean 'digits'"):
        read(tmp_path, source="digit")
    with pytest.raises(DataError, match="no data at"):
        read(tmp_path, source=str(tmp_path / "nowhere"))
    with pytest.raises(AppliedError, match="stretch"):
        read(tmp_path, resize="squash")


def test_a_class_unknown_to_training_is_refused(tmp_path):
    train, test = fill(tmp_path / "a"), fill(tmp_path / "b", classes=("cow",), count=2)
    with pytest.raises(DataError, match="'cow'"):
        read(tmp_path, train=str(train), test=str(test))
    encoder = read(tmp_path, source=str(train)).encoder
    with pytest.raises(DataError, match="'cow'"):
        read_labeled(encoder, str(test), section(), tmp_path / "cache")


def test_large_images_are_reduced_and_small_ones_kept(tmp_path):
    assert read(tmp_path, source=str(fill(tmp_path / "big", size=(300, 400), kind="jpg"))).encoder.height == 96
    data = read_images(section(source=str(tmp_path / "big")), 0, tmp_path / "cache", weights="imagenet")
    assert (data.encoder.height, data.encoder.channels) == (224, 3)
    embedded = {preset: read_images(section(source=str(tmp_path / "big")), 0, tmp_path / "cache", preset=preset, weights="embedded")
                for preset in ("fast", "default", "best")}  # fmt: skip
    assert [data.encoder.height for data in embedded.values()] == [128, 224, 224]
    assert read(tmp_path, source=str(tmp_path / "big"), image_size=[40, 30]).encoder.width == 30


def test_decoded_images_are_kept_and_a_changed_file_is_seen(tmp_path):
    folder = fill(tmp_path / "pets")
    first = read(tmp_path, source=str(folder))
    assert len(list((tmp_path / "cache" / "images").glob("*.npy"))) == 1
    Image.new("RGB", (24, 20), "red").save(folder / "cat" / "é0.png")
    assert read(tmp_path, source=str(folder)).fingerprint != first.fingerprint


def test_large_caches_are_memory_mapped(tmp_path, monkeypatch):
    from applied_dl.vision import cache as image_cache

    folder = fill(tmp_path / "pets")
    plain = read(tmp_path, source=str(folder))
    monkeypatch.setattr(image_cache, "LARGE", 1000)
    mapped = read(tmp_path, source=str(folder))
    assert isinstance(mapped.parts["train"].inputs["image"], np.memmap)
    assert mapped.fingerprint == plain.fingerprint


@pytest.mark.slow
def test_tfds_offline(tmp_path, shared):
    data = read(tmp_path, source="tfds:fashion_mnist", manual_dir=str(shared / "images" / "fashion_mnist"))
    assert len(data.parts["test"]) == 10000
    assert data.encoder.labels[0] == "T-shirt/top"


def test_an_unknown_tfds_name_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="tfds:no_such_set"):
        read(tmp_path, source="tfds:no_such_set")
