"""Which of the tables beside images, or inside their parts, hold the labels."""

import json

import numpy as np
import pytest

from applied_dl.core.errors import DataError
from tests.cases.image_files import fill, read, rows, shape


def images(folder, count=12, first=0):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(first, first + count):
        shape("circle", np.random.default_rng(i)).convert("RGB").save(folder / f"{i}.png")


def table(path, numbers, head="id,label", label=lambda i: "ab"[i % 2]):
    path.write_text("\n".join([head, *(f"{i},{label(i)}" if label else f"{i}" for i in numbers)]))


def test_the_submission_and_the_ids_to_predict_are_no_labels(tmp_path):
    images(tmp_path / "zoo" / "train", 12)
    images(tmp_path / "zoo" / "test", 4, first=12)
    table(tmp_path / "zoo" / "train.csv", range(12))
    table(tmp_path / "zoo" / "test.csv", range(12, 16), "id", None)
    table(tmp_path / "zoo" / "sample_submission.csv", range(12, 16), label=lambda i: "a")
    (tmp_path / "zoo" / "README.txt").write_text("Kaggle, fine images\nof a and b\n")
    data = read(tmp_path, source=tmp_path / "zoo")
    assert sum(rows(data).values()) == 12
    assert any("labels were found in 'train.csv'" in text for text in data.warnings)
    assert any("4 images have no label" in text for text in data.warnings)


def test_tables_named_after_the_parts(tmp_path):
    images(tmp_path / "zoo" / "images", 20)
    for name, numbers in (("train_labels", range(12)), ("val_labels", range(12, 16)), ("test_labels", range(16, 20))):
        table(tmp_path / "zoo" / f"{name}.csv", numbers)
    assert rows(read(tmp_path, source=tmp_path / "zoo")) == {"train": 12, "validation": 4, "test": 4}


def test_names_of_classes_are_no_labels_of_images(tmp_path):
    images(tmp_path / "zoo" / "images", 12)
    table(tmp_path / "zoo" / "train.csv", range(12))
    (tmp_path / "zoo" / "label_names.csv").write_text("label,name\n0,rose\n1,tulip\n")
    assert read(tmp_path, source=tmp_path / "zoo").encoder.labels == ("a", "b")


@pytest.mark.parametrize("form", ["csv", "jsonl", "one_hot"])
def test_a_table_inside_each_part(form, tmp_path):
    for first, count, part in ((0, 12, "train"), (12, 4, "valid"), (16, 4, "test")):
        folder = tmp_path / "zoo" / part
        images(folder, count, first)
        numbers = range(first, first + count)
        if form == "jsonl":
            lines = [json.dumps({"file_name": f"{i}.png", "label": "ab"[i % 2]}) for i in numbers]
            (folder / "metadata.jsonl").write_text("\n".join(lines))
        elif form == "csv":
            table(folder / "labels.csv", numbers)
        else:
            table(folder / "_classes.csv", numbers, "filename, a, b", lambda i: f" {1 - i % 2}, {i % 2}")
    (tmp_path / "zoo" / "README.dataset.txt").write_text("fine images\n")
    data = read(tmp_path, source=tmp_path / "zoo")
    assert data.encoder.labels == ("a", "b")
    assert rows(data) == {"train": 12, "validation": 4, "test": 4}


def test_folders_numbered_as_pieces_of_a_collection_are_no_classes_beside_a_table(tmp_path):
    images(tmp_path / "zoo" / "images_part_1", 8)
    images(tmp_path / "zoo" / "images_part_2", 8, first=8)
    assert read(tmp_path, source=tmp_path / "zoo").encoder.labels == ("images_part_1", "images_part_2")
    table(tmp_path / "zoo" / "metadata.csv", range(16), "image_id,diagnosis")
    assert read(tmp_path, source=tmp_path / "zoo").encoder.labels == ("a", "b")


@pytest.mark.parametrize(("names", "head", "labels"), [(("0", "1"), "file,place", ("0", "1")), (("grade1", "grade2"), "file,width", None),
                                                       (("0", "1"), "file,label", ("a", "b"))])  # fmt: skip
def test_numbered_class_folders_win_over_a_table_unless_it_names_labels(names, head, labels, tmp_path):
    for place, name in enumerate(names):
        images(tmp_path / "zoo" / name, 8, first=8 * place)
    table(tmp_path / "zoo" / "info.csv", range(16), head)
    assert read(tmp_path, source=tmp_path / "zoo").encoder.labels == (labels or names)


def test_class_folders_win_over_a_table_which_is_reported(tmp_path):
    fill(tmp_path / "zoo")
    (tmp_path / "zoo" / "files.csv").write_text("file,width\ncircle/0.png,24\n")
    data = read(tmp_path, source=tmp_path / "zoo")
    assert len(data.encoder.labels) == 3
    assert any("'files.csv' beside the class folders is not used" in text for text in data.warnings)


def test_flat_parts_of_cats_and_dogs(tmp_path):
    for name in ("cat", "dog"):
        images(tmp_path / name, 8)
        (tmp_path / "zoo" / "train").mkdir(parents=True, exist_ok=True)
        for path in (tmp_path / name).iterdir():
            path.rename(tmp_path / "zoo" / "train" / f"{name}.{path.name}")
    images(tmp_path / "zoo" / "test1", 4)
    with pytest.raises(DataError, match="begin with 'cat', 'dog': data.label_pattern"):
        read(tmp_path, source=tmp_path / "zoo")
    data = read(tmp_path, source=tmp_path / "zoo", label_pattern=r"^([a-z]+)\.\d+$")
    assert data.encoder.labels == ("cat", "dog")
    assert any("does not match the images of 'test1'" in text for text in data.warnings)


@pytest.mark.parametrize("inside", [False, True])
def test_a_table_labels_the_part_without_class_folders(inside, tmp_path):
    fill(tmp_path / "zoo" / "Train", classes=("a", "b"))
    images(tmp_path / "zoo" / "Test", 8)
    path = tmp_path / "zoo" / ("Test/annotations.txt" if inside else "Test.csv")
    rows_ = [f"{'' if inside else 'Test/'}{i}.png" for i in range(8)]
    if inside:
        path.write_text("".join(f"{name}\t{'ab'[i % 2]}\t0\t64\n" for i, name in enumerate(rows_)))
    else:
        path.write_text("\n".join(["Width,ClassId,Path", *(f"24,{'ab'[i % 2]},{name}" for i, name in enumerate(rows_))]))
    data = read(tmp_path, source=tmp_path / "zoo")
    assert rows(data)["test"] == 8
    assert any("the labels of 'Test' are the column" in text for text in data.warnings)


def test_a_table_of_other_classes_labels_no_part(tmp_path):
    fill(tmp_path / "zoo" / "train", classes=("a", "b"))
    images(tmp_path / "zoo" / "test", 8)
    table(tmp_path / "zoo" / "test.csv", range(8), label=lambda i: "cd"[i % 2])
    assert any("8 images of 'test' have no labels" in text for text in read(tmp_path, source=tmp_path / "zoo").warnings)


def test_an_object_of_lists_is_no_table(tmp_path):
    images(tmp_path / "zoo" / "data", 12)
    labels = {"classes": ["cat", "dog"], "labels": {str(i): i % 2 for i in range(12)}}
    (tmp_path / "zoo" / "labels.json").write_text(json.dumps(labels))
    with pytest.raises(DataError, match=r"labels\.json' holds one object .* not rows of images and labels"):
        read(tmp_path, source=tmp_path / "zoo")


def test_names_of_files_that_are_missing_are_no_reason_to_take_numbers(tmp_path):
    images(tmp_path / "zoo", 12)
    (tmp_path / "zoo" / "labels.csv").write_text("image,id,choice\n" + "".join(f"upload/x{i}.jpg,{i},{'ab'[i % 2]}\n" for i in range(12)))
    with pytest.raises(DataError, match=r"There is no file .*x0\.jpg"):
        read(tmp_path, source=tmp_path / "zoo" / "labels.csv")


def test_one_hot_columns_beside_others(tmp_path):
    images(tmp_path / "zoo", 24)
    lines = [f"{i}.png,{int(i % 3 == 0)},{int(i % 3 == 1)},{int(i % 3 == 2)},{20 + i},{i % 5}" for i in range(24)]
    (tmp_path / "zoo" / "labels.csv").write_text("\n".join(["img,N,D,G,age,ward", *lines]))
    assert read(tmp_path, source=tmp_path / "zoo" / "labels.csv").encoder.labels == ("N", "D", "G")
