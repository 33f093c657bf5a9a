"""Folders, tables and annotation files of images with masks as people have them: each is read to the masks that were written."""

import json
import shutil

import numpy as np
import polars as pl
import pytest
from PIL import Image

from applied_dl.core.errors import DataError, UsageError
from tests.cases.segment_files import every_mask, fill, read, rows, scene
from tests.hostile import one_sentence


def assert_same(data, count: int = 12, change=lambda mask: mask) -> None:
    found = every_mask(data)
    assert len(found) == count
    for i in range(count):
        np.testing.assert_array_equal(found[f"{i:03d}"], change(scene(i)[1]))


@pytest.mark.parametrize(
    ("images", "masks", "end"),
    [
        ("images", "masks", ""),
        ("JPEGImages", "SegmentationClass", ""),
        ("imgs", "labels", "_L"),
        ("photos", "gt", "_gt"),
        (".", "masks", ""),
        (".", ".", "_mask"),
        ("input", "target", "-label"),
    ],
)
def test_masks_are_found_by_their_folder_or_their_name(images, masks, end, tmp_path):
    data = read(tmp_path, source=fill(tmp_path / "d", images=images, masks=masks, end=end))
    assert data.encoder.labels == ("0", "1", "2")
    assert (data.encoder.height, data.encoder.width, data.encoder.channels) == (32, 48, 3)
    assert_same(data)


@pytest.mark.parametrize(
    "layout",
    [
        ("{part}/images", "{part}/masks"),
        ("images/{part}", "masks/{part}"),
        ("{part}", "{part}annot"),
        ("{part}_images", "{part}_masks"),
        ("wrapped/{part}/image", "wrapped/{part}/mask"),
    ],
)
def test_parts_are_found_by_their_folder(layout, tmp_path):
    for first, count, part in ((0, 8, "train"), (8, 3, "val"), (11, 4, "test")):
        images, masks = (text.format(part=part) for text in layout)
        fill(tmp_path / "d", count, images, masks, first=first)
    data = read(tmp_path, source=tmp_path / "d")
    assert rows(data) == {"train": 8, "validation": 3, "test": 4}
    assert_same(data, 15)


def test_a_zip_and_parts_that_the_recipe_names(tmp_path):
    fill(tmp_path / "d")
    fill(tmp_path / "e", 5, first=12)
    archive = shutil.make_archive(str(tmp_path / "d"), "zip", tmp_path / "d")
    data = read(tmp_path, train=archive, test=str(tmp_path / "e"))
    assert rows(data)["test"] == 5
    assert_same(data, 17)


def test_names_and_void_come_from_a_file_beside_the_images(tmp_path):
    fill(tmp_path / "d", form=lambda mask: Image.fromarray(np.where(mask == 2, 7, mask)))
    (tmp_path / "d" / "classes.txt").write_text("0 ground\n1 thing\n7 void\n")
    data = read(tmp_path, source=tmp_path / "d")
    assert data.encoder.labels == ("ground", "thing")
    assert_same(data, change=lambda mask: np.where(mask == 2, 255, mask))
    data = read(tmp_path, source=tmp_path / "d", ignore=["ground"])
    assert data.encoder.labels == ("thing", "void")


@pytest.mark.parametrize("file", ["classes.csv", "classes.json", "classes.txt", "labels.json"])
def test_coloured_masks_have_a_table_of_colours(file, tmp_path):
    colors = np.array([(0, 0, 0), (128, 64, 128), (0, 0, 255)], np.uint8)
    fill(tmp_path / "d", form=lambda mask: Image.fromarray(colors[mask]))
    names = ("ground", "road", "sky")
    text = {
        "classes.csv": "name,r,g,b\n" + "\n".join(f"{n},{','.join(map(str, c))}" for n, c in zip(names, colors.tolist())),
        "classes.json": json.dumps(dict(zip(names, colors.tolist()))),
        "classes.txt": "# r g b name\n" + "\n".join(f"{' '.join(map(str, c))} {n}" for n, c in zip(names, colors.tolist())),
        "labels.json": json.dumps([{"name": n, "color": "#{:02x}{:02x}{:02x}".format(*c)} for n, c in zip(names, colors.tolist())]),
    }[file]
    (tmp_path / "d" / file).write_text(text)
    data = read(tmp_path, source=tmp_path / "d")
    assert data.encoder.labels == names
    assert data.encoder.palette == tuple(map(tuple, colors.tolist()))
    assert_same(data)


def test_coloured_masks_without_a_table_are_named_by_their_colours(tmp_path):
    colors = np.array([(0, 0, 0), (128, 64, 128), (0, 0, 255)], np.uint8)
    fill(tmp_path / "d", form=lambda mask: Image.fromarray(colors[mask]))
    data = read(tmp_path, source=tmp_path / "d", ignore=["#0000ff"])
    assert data.encoder.labels == ("#000000", "#804080")
    assert_same(data, change=lambda mask: np.where(mask == 2, 255, mask))
    with pytest.raises(DataError, match="give each class its colour") as refused:
        read(tmp_path, source=tmp_path / "d", classes=["a", "b", "c"])
    one_sentence(str(refused.value))


def test_indexed_masks_keep_their_numbers_whatever_their_palette(tmp_path):
    def indexed(mask):
        image = Image.fromarray(mask, mode="P")
        image.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200] + [0] * 759)
        return image

    fill(tmp_path / "d", form=indexed)
    data = read(tmp_path, source=tmp_path / "d", classes=["a", "b", "c"])
    assert data.encoder.labels == ("a", "b", "c")
    assert_same(data)


@pytest.mark.parametrize("kind", ["0 and 255", "RGB grey", "one bit", "alpha", "16 bits"])
def test_masks_of_two_classes_in_every_form(kind, tmp_path):
    form = {
        "0 and 255": lambda mask: Image.fromarray(mask * np.uint8(255)),
        "RGB grey": lambda mask: Image.fromarray(np.repeat(mask[..., None] * np.uint8(255), 3, 2)),
        "one bit": lambda mask: Image.fromarray(mask.astype(bool)),
        "alpha": lambda mask: Image.fromarray(np.dstack([np.zeros((*mask.shape, 3), np.uint8), mask * np.uint8(255)])),
        "16 bits": lambda mask: Image.fromarray(mask.astype(np.uint16)),
    }[kind]
    data = read(tmp_path, source=fill(tmp_path / "d", form=form, classes=2))
    assert data.encoder.labels == ("background", "foreground")
    found = every_mask(data)
    for i in range(12):
        np.testing.assert_array_equal(found[f"{i:03d}"], scene(i, classes=2)[1])


def test_255_is_void_beside_other_classes(tmp_path):
    def with_void(mask):
        mask = mask.copy()
        mask[:3] = 255
        return Image.fromarray(mask)

    data = read(tmp_path, source=fill(tmp_path / "d", form=with_void))
    assert data.encoder.labels == ("0", "1", "2")
    assert all((mask[:3] == 255).all() for mask in every_mask(data).values())


def test_a_table_of_paths(tmp_path):
    fill(tmp_path / "d")
    names = [f"{i:03d}" for i in range(12)]
    table = {"image": [f"images/{n}.jpg" for n in names], "mask": [f"masks/{n}.png" for n in names], "split": ["train"] * 8 + ["test"] * 4}
    pl.DataFrame(table).write_csv(tmp_path / "d" / "t.csv")
    data = read(tmp_path, source=tmp_path / "d" / "t.csv")
    assert rows(data)["test"] == 4
    assert_same(data)
    pl.DataFrame(table).rename({"image": "a", "mask": "b"}).write_csv(tmp_path / "d" / "u.csv")
    assert_same(read(tmp_path, source=tmp_path / "d" / "u.csv", image="a", mask="b"))
    with pytest.raises(DataError, match=r"data\.mask"):
        read(tmp_path, source=tmp_path / "d" / "u.csv", mask="c")


def test_coco_polygons_and_run_lengths(tmp_path):
    (tmp_path / "d" / "images").mkdir(parents=True)
    images, annotations, wanted = [], [], {}
    for i in range(12):
        image, _ = scene(i)
        Image.fromarray(image).save(tmp_path / "d" / "images" / f"{i:03d}.jpg")
        mask = np.zeros((32, 48), np.uint8)
        mask[4:20, 6:30], mask[10:15, 10:20] = 1, 2
        small = (mask == 2).T.ravel()
        edges = np.flatnonzero(np.diff(small.astype(int))) + 1
        counts = np.diff([0, *edges, small.size]).tolist()
        images.append({"id": i, "file_name": f"{i:03d}.jpg", "height": 32, "width": 48})
        polygon = [6, 4, 29, 4, 29, 19, 6, 19]
        annotations.append({"id": 2 * i, "image_id": i, "category_id": 10, "area": 384, "segmentation": [polygon]})
        rle = {"size": [32, 48], "counts": counts if i % 2 else compressed(counts)}
        annotations.append({"id": 2 * i + 1, "image_id": i, "category_id": 20, "area": 50, "segmentation": rle})
        wanted[f"{i:03d}"] = mask
    categories = [{"id": 10, "name": "car"}, {"id": 20, "name": "window"}]
    text = json.dumps({"images": images, "annotations": annotations[::-1], "categories": categories})
    (tmp_path / "d" / "instances.json").write_text(text)
    for source in (tmp_path / "d", tmp_path / "d" / "instances.json"):
        data = read(tmp_path, source=source)
        assert data.encoder.labels == ("background", "car", "window")
        for name, mask in every_mask(data).items():
            np.testing.assert_array_equal(mask, wanted[name])
    broken = json.loads(text)
    broken["annotations"][0]["segmentation"] = {"size": [32, 48], "counts": [1, 2]}
    (tmp_path / "d" / "instances.json").write_text(json.dumps(broken))
    assert any("do not fill" in note for note in read(tmp_path, source=tmp_path / "d", max_unreadable=0.5).warnings)


def compressed(counts: list[int]) -> str:
    """COCO's compressed run lengths, written by the definition (five bits a character, differences from the fourth on)."""
    text = ""
    for i, count in enumerate(counts):
        value, more = count - counts[i - 2] if i > 2 else count, True
        while more:
            piece = value & 31
            value >>= 5
            more = value != -1 if piece & 16 else value != 0
            text += chr((piece | 32 if more else piece) + 48)
    return text


def test_labelme_files_beside_their_images(tmp_path):
    (tmp_path / "d").mkdir()
    for i in range(12):
        Image.fromarray(scene(i)[0]).save(tmp_path / "d" / f"{i:03d}.jpg")
        shapes = [
            {"label": "box", "shape_type": "rectangle", "points": [[5, 5], [20, 15]]},
            {"label": "ball", "shape_type": "circle", "points": [[35, 15], [35, 21]]},
            {"label": "tip", "shape_type": "polygon", "points": [[0, 31], [10, 31], [5, 20]]},
            {"label": "tip", "shape_type": "point", "points": [[1, 1]]},
        ]
        about = {"imagePath": f"{i:03d}.jpg", "imageHeight": 32, "imageWidth": 48, "shapes": shapes, "imageData": None}
        (tmp_path / "d" / f"{i:03d}.json").write_text(json.dumps(about))
    data = read(tmp_path, source=tmp_path / "d")
    assert data.encoder.labels == ("background", "ball", "box", "tip")
    mask = every_mask(data)["003"]
    assert (mask[5:15, 5:20] == 2).all()
    assert mask[15, 35] == 1
    assert mask[30, 5] == 3
    assert abs((mask == 1).sum() - np.pi * 36) < 20


def test_arrays(tmp_path):
    pairs = [scene(i) for i in range(12)]
    np.savez(tmp_path / "d.npz", images=np.stack([p[0] for p in pairs]), masks=np.stack([p[1] for p in pairs]))
    data = read(tmp_path, source=tmp_path / "d.npz")
    assert sum(rows(data).values()) == 12
    np.savez(tmp_path / "e.npz", images=np.zeros((3, 4, 4, 3)), masks=np.zeros((2, 4, 4)))
    with pytest.raises(DataError, match="do not fit"):
        read(tmp_path, source=tmp_path / "e.npz")


def test_a_source_that_is_none(tmp_path):
    (tmp_path / "a.xyz").write_text("")
    with pytest.raises(UsageError, match="known kind"):
        read(tmp_path, source=tmp_path / "a.xyz")
    with pytest.raises(DataError, match="Did you mean 'scenes'"):
        read(tmp_path, source="scene")
