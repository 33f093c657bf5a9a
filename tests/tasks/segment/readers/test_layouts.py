"""Folders of images and masks as public data sets and the exports of annotation programs have them."""

import json

import numpy as np
import pytest
from PIL import Image

from applied_dl.core.errors import DataError
from applied_dl.tasks.segment.readers.layouts import list_folder
from tests.cases.segment_files import every_mask, fill, read, rows, scene


@pytest.mark.parametrize(
    ("images", "masks", "end"),
    [
        ("original_images", "label_images_semantic", ""),
        ("ISIC2018_Task1-2_Training_Input", "ISIC2018_Task1_Training_GroundTruth", "_segmentation"),
        ("TrainImages", "TrainMasks", ""),
        ("leftImg8bit/train/aachen", "gtFine/train/aachen", "_gtFine_labelIds"),
    ],
)
def test_words_among_others_name_the_folders(images, masks, end, tmp_path):
    data = read(tmp_path, source=fill(tmp_path / "d", images=images, masks=masks, end=end))
    found = every_mask(data)
    for i in range(12):
        np.testing.assert_array_equal(found[f"{i:03d}"], scene(i)[1])


def test_lists_of_image_sets_are_the_parts_and_masks_of_objects_are_none(tmp_path):
    fill(tmp_path / "VOC", 14, "JPEGImages", "SegmentationClass")
    fill(tmp_path / "VOC", 14, "JPEGImages", "SegmentationObject", form=lambda mask: Image.fromarray(mask * 3))
    lists = tmp_path / "VOC" / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    for name, first, end in (("train", 0, 6), ("val", 6, 9), ("test", 9, 12), ("trainval", 0, 9)):
        (lists / f"{name}.txt").write_text("".join(f"{i:03d}\n" for i in range(first, end)))
    for i in range(20, 30):
        Image.fromarray(scene(i)[0]).save(tmp_path / "VOC" / "JPEGImages" / f"{i:03d}.jpg")
    data = read(tmp_path, source=tmp_path / "VOC")
    assert rows(data) == {"train": 6, "validation": 3, "test": 3}
    np.testing.assert_array_equal(every_mask(data)["003"], scene(3)[1])
    assert any("in no list of ImageSets/Segmentation" in text for text in data.warnings)


@pytest.mark.parametrize("layout", ["folders", "numbered"])
def test_a_mask_for_each_object(layout, tmp_path):
    for i in range(12):
        image, mask = scene(i)
        folder = tmp_path / "d" / (f"{i:03d}" if layout == "folders" else "")
        names = ("images/{}.png", "masks/{}.png") if layout == "folders" else ("{}.png", "{}.png")
        (folder / names[0].format(f"{i:03d}")).parent.mkdir(parents=True, exist_ok=True)
        (folder / names[1].format(0)).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / names[0].format(f"{i:03d}"))
        for code in (1, 2):
            name = f"object{code}" if layout == "folders" else f"{i:03d}_mask" + ("" if code == 1 else f"_{code - 1}")
            Image.fromarray((mask == code).astype(np.uint8) * 255).save(folder / names[1].format(name))
    data = read(tmp_path, source=tmp_path / "d")
    assert any("12 images have several masks, which are read as objects of one class" in text for text in data.warnings)
    assert data.encoder.labels == ("background", "foreground")
    for name, mask in every_mask(data).items():
        np.testing.assert_array_equal(mask, scene(int(name))[1] > 0)


def test_several_masks_of_several_classes_are_refused(tmp_path):
    fill(tmp_path / "d", images=".", masks=".", end="_mask")
    fill(tmp_path / "d", images=".", masks=".", end="_mask_1")
    with pytest.raises(DataError, match="is one of 2 of its image and holds several classes"):
        read(tmp_path, source=tmp_path / "d")


def test_a_part_without_masks_is_reported(tmp_path):
    fill(tmp_path / "d", 10, "train/images", "train/masks")
    fill(tmp_path / "made", 3, "test")
    (tmp_path / "made" / "test").rename(tmp_path / "d" / "test")
    data = read(tmp_path, source=tmp_path / "d")
    assert sum(rows(data).values()) == 10
    assert any("the 3 images of the test part have no masks" in text for text in data.warnings)


def test_classes_with_a_header_inside_the_training_part(tmp_path):
    for part, first, count in (("train", 0, 8), ("valid", 8, 3), ("test", 11, 3)):
        fill(tmp_path / "d", count, part, part, end="_mask", first=first)
        (tmp_path / "d" / part / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, car\n2, tree\n")
    assert read(tmp_path, source=tmp_path / "d").encoder.labels == ("background", "car", "tree")


def yolo(
    folder, count=12, line="{code} 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75", parts=(("train", 0, 8), ("valid", 8, 2), ("test", 10, 2))
):
    for part, first, size in parts:
        for name in ("images", "labels"):
            (folder / part / name).mkdir(parents=True, exist_ok=True)
        for i in range(first, first + size):
            Image.fromarray(scene(i)[0]).save(folder / part / "images" / f"{i:03d}.jpg")
            (folder / part / "labels" / f"{i:03d}.txt").write_text(line.format(code=i % 2) + "\n")
    return folder


@pytest.mark.parametrize(
    "names", ["names: ['cell', \"dark nucleus\"]", "names:\n  0: cell\n  1: dark nucleus  # of a cell", "names:\n- cell\n- dark nucleus"]
)
def test_polygons_of_yolo(names, tmp_path):
    yolo(tmp_path / "d")
    (tmp_path / "d" / "data.yaml").write_text(f"train: ../train/images\n{names}\nnc: 2\n")
    (tmp_path / "d" / "README.roboflow.txt").write_text("an export\n")
    data = read(tmp_path, source=tmp_path / "d")
    assert data.encoder.labels == ("background", "cell", "dark nucleus")
    assert rows(data) == {"train": 8, "validation": 2, "test": 2}
    for name, mask in every_mask(data).items():
        assert mask[16, 24] == 1 + int(name) % 2
        assert mask[2, 2] == 0
        assert abs((mask > 0).mean() - 0.25) < 0.05


def test_boxes_and_unlisted_classes_of_yolo_are_refused(tmp_path):
    yolo(tmp_path / "boxes", line="{code} 0.5 0.5 0.2 0.2")
    with pytest.raises(DataError, match="holds boxes"):
        read(tmp_path, source=tmp_path / "boxes")
    yolo(tmp_path / "more")
    (tmp_path / "more" / "data.yaml").write_text("names: [cell]\n")
    with pytest.raises(DataError, match="has the class 1; the list of classes has 1"):
        read(tmp_path, source=tmp_path / "more")


def coco(folder, name, numbers, categories=((1, "cell"),)):
    square = [4, 4, 20, 4, 20, 20, 4, 20]
    images = [{"id": i, "file_name": f"{i:03d}.jpg", "height": 32, "width": 48} for i in numbers]
    annotations = [{"id": i, "image_id": i, "category_id": 1, "area": 256, "segmentation": [square]} for i in numbers]
    folder.mkdir(parents=True, exist_ok=True)
    text = {"images": images, "annotations": annotations, "categories": [{"id": key, "name": label} for key, label in categories]}
    (folder / name).write_text(json.dumps(text))


def images(folder, numbers):
    folder.mkdir(parents=True, exist_ok=True)
    for i in numbers:
        Image.fromarray(scene(i)[0]).save(folder / f"{i:03d}.jpg")


def test_coco_as_it_is_published(tmp_path):
    for part, count in (("train2017", 10), ("val2017", 3)):  # the same names in both parts
        images(tmp_path / "d" / part, range(count))
        for kind in ("instances", "person_keypoints"):
            coco(tmp_path / "d" / "annotations", f"{kind}_{part}.json", range(count))
        captions = {"images": [], "annotations": [{"id": 1, "image_id": 1, "caption": "a cell"}]}
        (tmp_path / "d" / "annotations" / f"captions_{part}.json").write_text(json.dumps(captions))
    data = read(tmp_path, source=tmp_path / "d")
    assert data.encoder.labels == ("background", "cell")
    assert rows(data)["validation"] == 3
    assert sum(rows(data).values()) == 13
    assert all("val2017" in path for path in data.parts["validation"].extra["path"])


def test_categories_without_a_shape_are_no_classes(tmp_path):
    images(tmp_path / "d", range(12))
    coco(tmp_path / "d", "_annotations.coco.json", range(12), ((0, "cells"), (1, "cell")))
    data = read(tmp_path, source=tmp_path / "d")
    assert data.encoder.labels == ("background", "cell")
    assert any("without a shape are no classes: 'cells'" in text for text in data.warnings)


def test_two_files_that_annotate_one_image_are_refused(tmp_path):
    images(tmp_path / "d", range(12))
    coco(tmp_path / "d", "first.json", range(12))
    coco(tmp_path / "d", "second.json", range(6))
    with pytest.raises(DataError, match="both annotate the image"):
        read(tmp_path, source=tmp_path / "d")


@pytest.mark.parametrize("name", ["{}_L", "label_{}", "{}_p", "{}_image"])
def test_names_of_both_images_and_masks_are_kept_whole(name, tmp_path):
    for i in range(6):
        image, mask = scene(i)
        for folder, pixels in (("images", image), ("masks", mask)):
            (tmp_path / "eyes" / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "eyes" / folder / f"{name.format(i)}.png")
            Image.fromarray(pixels).save(tmp_path / "eyes" / folder / f"{i}_R.png")
    listing = list_folder(tmp_path / "eyes", None)["all"]
    assert len(listing.pairs) == 12
    assert all(pair.image.name == pair.mask.name for pair in listing.pairs)
    assert not listing.warnings


def test_masks_of_an_image_that_are_named_as_classes_are_refused(tmp_path):
    for i in range(3):
        image, mask = scene(i)
        for name, pixels in (("images/scan", image), ("masks/lung", mask == 1), ("masks/heart", mask == 2)):
            (tmp_path / f"{i}" / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / f"{i}" / f"{name}.png")
    with pytest.raises(DataError, match="are named 'heart', 'lung', as classes are"):
        list_folder(tmp_path, None)
