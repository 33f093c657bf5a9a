"""Folders of images to be imitated: classes and parts are found as the image task finds them."""

import tarfile

import pytest

from applied_dl.tasks.generate.readers.images import list_images
from tests.cases.image_files import fill


def listed(source, tmp_path):
    found = list_images(str(source), tmp_path / "cache")
    return sorted(set(found.labels)), sorted(set(found.parts)), len(found.items)


def test_part_folders_in_any_spelling_are_no_classes(tmp_path):
    for part, count in (("seg_train", 6), ("seg_test", 3)):
        fill(tmp_path / "zoo" / part / part, classes=("circle", "cross"), count=count)
    assert listed(tmp_path / "zoo", tmp_path) == (["circle", "cross"], ["test", "train"], 18)


def test_classes_below_folders_where_their_names_repeat(tmp_path):
    for form in ("color", "grey"):
        fill(tmp_path / "zoo" / form, classes=("circle", "cross"), count=4)
    assert listed(tmp_path / "zoo", tmp_path) == (["circle", "cross"], ["all"], 16)


@pytest.mark.parametrize(("inside", "labels", "parts"), [("", [""], ["all"]), ("train", [""], ["all"]), ("faces", ["faces"], ["all"])])
def test_images_without_classes(inside, labels, parts, tmp_path):
    fill(tmp_path / "made", classes=("circle",), count=5)
    (tmp_path / "zoo" / inside).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "made" / "circle").rename(tmp_path / "zoo" / inside)
    assert listed(tmp_path / "zoo", tmp_path) == (labels, parts, 5)


def test_a_compressed_tar(tmp_path):
    fill(tmp_path / "zoo", classes=("circle", "cross"), count=4)
    with tarfile.open(tmp_path / "zoo.tar.gz", "w:gz") as file:
        file.add(tmp_path / "zoo", "zoo")
    assert listed(tmp_path / "zoo.tar.gz", tmp_path) == (["circle", "cross"], ["all"], 8)
