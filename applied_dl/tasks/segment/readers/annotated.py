"""Images whose masks are shapes of annotation files: COCO, LabelMe, YOLO."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from msgspec import Struct

from applied_dl.core.errors import DataError
from applied_dl.io.parts import part_of
from applied_dl.tasks.segment.readers.listing import Listing, Pair
from applied_dl.tasks.segment.readers.shapes import BACKGROUND, Drawn, coco, is_coco, is_labelme, labelme, read_json
from applied_dl.tasks.segment.readers.yolo import yolo
from applied_dl.vision.folders import Folder
from applied_dl.vision.image_files import EXTENSIONS
from applied_dl.vision.paths import ImageIndex


class Annotated(Struct, frozen=True):
    """An image as an annotation file names it, its shapes, and that file."""

    image: str
    drawn: Drawn
    file: Path


def list_json(path: Path, tree: Folder) -> dict[str, Listing]:
    """The listings of COCO and LabelMe files by part; empty where the JSON files of the folder are none.

    Of the COCO files of a part, those named instances are taken where there are some: keypoints and captions lie beside them.

    Raises:
        DataError: a file is damaged, or none of its images is there.
    """
    found: dict[str, list[Annotated]] = defaultdict(list)
    files: dict[str, list[tuple[Path, dict]]] = defaultdict(list)
    labels: dict[str, None] = {}
    for file in (file for file in tree.all_others() if file.suffix.lower() == ".json"):
        data = read_json(file)
        if is_coco(data):
            files[_part_of_file(file, path, True)].append((file, data))
        elif is_labelme(data):
            found[_part_of_file(file, path, False)].append(Annotated(*labelme(data, file), file))
    for part, some in files.items():
        instances = [one for one in some if one[0].stem.lower().startswith("instances")]
        for file, data in instances or some:
            listed, names = coco(data, file)
            labels.update(dict.fromkeys(names))
            found[part] += [Annotated(image, drawn, file) for image, drawn in listed]
    if not found:
        return {}
    drawn = {name for items in found.values() for item in items for name, _ in item.drawn.shapes}
    labels.update(dict.fromkeys(sorted(drawn)))
    return _listings(found, tuple(labels), drawn, path)


def list_coco(path: Path) -> dict[str, Listing]:
    """The pairs of one COCO file, whose images lie beside it or below its folder. Raises `DataError` where it is none."""
    data = read_json(path)
    if not is_coco(data):
        raise DataError(f"{str(path)!r} is no COCO file: expected an object with images, annotations and categories.")
    listed, labels = coco(data, path)
    drawn = {name for _, one in listed for name, _ in one.shapes}
    return _listings({"all": [Annotated(image, one, path) for image, one in listed]}, labels, drawn, path.parent)


def list_yolo(path: Path, tree: Folder, names: tuple[str, ...]) -> dict[str, Listing]:
    """The listings of YOLO's label files by part, with images that have none; empty where there are no such files.

    Args:
        path: the folder.
        tree: its files.
        names: the classes, where a file beside the images lists them.

    Raises:
        DataError: a label file holds boxes, or a class that is not listed.
    """
    shapes = yolo(tree, names)
    if not shapes:
        return {}
    found: dict[str, list[Annotated]] = defaultdict(list)
    without: dict[str, list[Path]] = defaultdict(list)
    for image in tree.all_images():
        part = _part_of_file(image, path, False)
        if image in shapes:
            found[part].append(Annotated(str(image), shapes[image], Path(shapes[image].source)))
        else:
            without[part].append(image)
    drawn = {name for one in shapes.values() for name, _ in one.shapes}
    ordered = [name for name in names if name in drawn] + sorted(drawn - set(names), key=lambda name: (len(name), name))
    listings = _listings(found, (BACKGROUND, *ordered), drawn, path)
    return {
        part: Listing(pairs=one.pairs, without=without[part], labels=one.labels, folder=path, warnings=one.warnings)
        for part, one in listings.items()
    }


def _listings(found: dict[str, list[Annotated]], labels: tuple[str, ...], drawn: set[str], folder: Path) -> dict[str, Listing]:
    """The listing of each part, with the classes that are drawn somewhere, background first."""
    kept = (BACKGROUND, *(name for name in labels if name in drawn and name != BACKGROUND))
    empty = [name for name in labels if name not in kept]
    notes = [f"the categories without a shape are no classes: {', '.join(map(repr, empty[:10]))}"] if empty else []
    index = ImageIndex(folder)
    return {
        part: _listing(items, index, kept, folder, part, notes if place == 0 else [])
        for place, (part, items) in enumerate(sorted(found.items()))
    }


def _listing(items: list[Annotated], index: ImageIndex, labels: tuple[str, ...], folder: Path, part: str, notes: list[str]) -> Listing:
    pairs, missing, owners = [], [], dict[Path, Path]()
    for item in items:
        beside = [item.file.parent / item.image, *(item.file.with_suffix(suffix) for suffix in EXTENSIONS[:12])]
        image = next((one for one in beside if one.is_file()), None) or index.find(item.image)
        if image is None and (same := index.ambiguous.get(item.image)):  # of a name in several parts, the one in a folder of this part
            own = [path for path in same if _part_of_file(path, folder, False) == part]
            image = own[0] if len(own) == 1 else None
        if image is None:
            missing.append(item.image)
            continue
        if image in owners:
            raise DataError(
                f"{str(owners[image])!r} and {str(item.file)!r} both annotate the image {str(image)!r}; expected one annotation file for "
                "each image: remove the other, or name one of them as data.source."
            )
        owners[image] = item.file
        pairs.append(Pair(image, item.drawn))
    if not pairs:
        raise DataError(
            f"None of the {len(items)} images that the annotations name is under {str(folder)!r}; the first: {items[0].image!r}."
        )
    gone = [f"{len(missing)} images of the annotations are missing and are not used (the first: {missing[0]!r})"] if missing else []
    return Listing(pairs=pairs, labels=labels, folder=folder, warnings=[*notes, *gone])


def _part_of_file(file: Path, root: Path, is_one_file: bool) -> str:
    """The part of a file: by a folder on its path, or for COCO by a word of its name (`instances_val2017.json`)."""
    words = [*file.relative_to(root).parts[:-1]]
    words += re.split(r"[\W_\d]+", file.stem) if is_one_file else []
    return next((part for word in words if (part := part_of(word))), "all")
