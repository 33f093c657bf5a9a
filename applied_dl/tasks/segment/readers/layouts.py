"""Folders of images and masks as people have them → pairs by part.

A file is a mask where a folder on its path says so (`masks`, `labels`, `trainannot`, …) or the end of its name (`cat_mask.png`). An image
and a mask belong together where their paths are equal without these words and without the names of parts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from applied_dl.core.errors import DataError
from applied_dl.core.plurals import numbered
from applied_dl.io.parts import part_of
from applied_dl.tasks.segment.readers.classes import class_table
from applied_dl.tasks.segment.readers.listing import Listing, Pair
from applied_dl.tasks.segment.readers.shapes import BACKGROUND, Drawn, coco, is_coco, is_labelme, labelme, read_json
from applied_dl.vision.folders import Folder, scan
from applied_dl.vision.image_files import EXTENSIONS
from applied_dl.vision.paths import ImageIndex

MASKS = {
    "mask", "masks", "label", "labels", "annot", "annots", "annotation", "annotations", "gt", "gts", "groundtruth", "ground truth", "seg",
    "segmentation", "segmentations", "segmentationclass", "segmentation class", "target", "targets", "trimap", "trimaps", "labelids",
}  # fmt: skip
IMAGES = {
    "image",
    "images",
    "img",
    "imgs",
    "jpegimages",
    "input",
    "inputs",
    "rgb",
    "photo",
    "photos",
    "frames",
    "leftimg8bit",
    "png images",
}
MASK_END = re.compile(
    r"[ ._-]+(mask|masks|label|labels|labelids|gt|seg|segmentation|annotation|annot|matte|gtfine[ ._-]+labelids|groundtruth|l|p)$",
    re.IGNORECASE,
)
IMAGE_END = re.compile(r"[ ._-]+(image|img|rgb|leftimg8bit|input|photo)$", re.IGNORECASE)
MASK_START = re.compile(r"^(mask|label|gt|seg|segmentation)[ ._-]+", re.IGNORECASE)
IMAGE_START = re.compile(r"^(image|img|photo|input|rgb)[ ._-]+", re.IGNORECASE)
JOINED = re.compile(r"^(.+?)[ ._-]*(masks?|labels?|annot|annotations?|gt|images?|imgs?)$")  # trainannot, val_masks, train_images


def list_folder(path: Path, classes) -> dict[str, Listing]:
    """The pairs of a folder by part: `{"all": …}`, or some of train, validation and test.

    Args:
        path: the folder.
        classes: `data.classes` of the recipe.

    Raises:
        DataError: there are no images, no masks, or an image has two masks.
    """
    tree = scan(path)
    files = [file for file in tree.all_others() if file.suffix.lower() == ".json"]
    if found := _annotated(path, files):
        return found
    return _paired(path, tree, classes)


def _paired(path: Path, tree: Folder, classes) -> dict[str, Listing]:
    images: dict[tuple, Path] = {}
    masks: dict[tuple, list[Path]] = defaultdict(list)
    for file in tree.all_images():
        part, key, is_mask = _key(file.relative_to(path))
        if is_mask:
            masks[part, key].append(file)
        elif (part, key) in images and images[part, key].stem != file.stem:
            images[part, (*key, file.name)] = file
        elif (part, key) in images:
            raise DataError(
                f"The images {str(images[part, key])!r} and {str(file)!r} would share one mask; expected different names, or masks in a "
                "folder named masks."
            )
        else:
            images[part, key] = file
    if not images and not masks:
        raise DataError(f"The folder {str(path)!r} holds no images; expected {path.name}/images/NAME.jpg and {path.name}/masks/NAME.png.")
    if not masks:
        raise DataError(
            f"The folder {str(path)!r} holds {len(images)} images and no masks; expected them in a folder named masks, with the names of "
            "their images, or beside them as NAME_mask.png."
        )
    if not images:
        raise DataError(f"The folder {str(path)!r} holds {len(masks)} masks and no images; expected them in a folder named images.")
    twice = [(images[at], files) for at, files in masks.items() if len(files) > 1 and at in images]
    if twice:
        image, files = twice[0]
        raise DataError(
            f"The image {str(image)!r} has {len(files)} masks ({files[0].name!r}, {files[1].name!r}, …); expected one mask per image "
            "with the class of each pixel."
        )
    table = class_table(classes, _with_classes(path, tree))
    stray = [files[0] for at, files in masks.items() if at not in images]
    parts: dict[str, list] = defaultdict(list)
    for at, image in images.items():
        parts[at[0]].append((image, masks.get(at, [None])[0]))
    if len(parts) > 1 and "all" in parts:
        extra = parts.pop("all")
        parts_note = [f"{numbered(len(extra), 'image lies', 'images lie')} outside the folders train, validation and test: not used"]
    else:
        parts_note = []
    notes = parts_note + ([f"{numbered(len(stray), 'mask has', 'masks have')} no image (the first: {str(stray[0])!r})"] if stray else [])
    listings = {
        part: Listing(
            pairs=[Pair(image, mask) for image, mask in found if mask is not None],
            without=[image for image, mask in found if mask is None],
            table=table,
            folder=path,
            warnings=notes if place == 0 else [],
        )
        for place, (part, found) in enumerate(sorted(parts.items()))
    }
    if not any(listing.pairs for listing in listings.values()):
        image, mask = next(iter(images.values())), next(iter(masks.values()))[0]
        raise DataError(
            f"No image of {str(path)!r} has a mask of its name: there are {image.name!r} and {mask.name!r}; expected the same name "
            "before the ending, or NAME_mask."
        )
    return {part: listing for part, listing in listings.items() if listing.pairs}


def _key(file: Path) -> tuple[str, tuple[str, ...], bool]:
    """The part of a file, what is left of its path to find its counterpart, and whether it is a mask."""
    part, is_mask, kept = "all", False, []
    for folder in file.parts[:-1]:
        word = re.sub(r"[\s_\-]+", " ", folder).strip().lower()
        joined = JOINED.match(word)
        if word in MASKS or word in IMAGES:
            is_mask = is_mask or word in MASKS
        elif (found := part_of(word)) is not None:
            part = found
        elif joined and (found := part_of(joined[1])) is not None:
            part, is_mask = found, is_mask or joined[2].rstrip("s") not in ("image", "img")
        elif joined and joined[2].rstrip("s") in ("mask", "label", "annot", "annotation", "gt"):
            is_mask = True
            kept.append(joined[1])
        else:
            kept.append(word)
    stem = file.stem
    if not is_mask:
        is_mask = bool(MASK_END.search(stem) or MASK_START.match(stem))
    stem = (MASK_START if is_mask else IMAGE_START).sub("", (MASK_END if is_mask else IMAGE_END).sub("", stem)) or stem
    return part, (*kept, stem.lower()), is_mask


def _with_classes(path: Path, tree: Folder) -> Path:
    """The folder where a file of classes may lie: this one, or the one on the way to the images that has such a file."""
    folder = tree
    while class_table(None, folder.path) is None and not folder.images and len(folder.filled) == 1:
        folder = folder.filled[0]
    return folder.path if class_table(None, folder.path) is not None else path


def _annotated(path: Path, files: list[Path]) -> dict[str, Listing]:
    """The pairs of annotation files, COCO or LabelMe; empty where the JSON files are none."""
    found: dict[str, list] = defaultdict(list)
    labels: dict[str, None] = {}
    for file in files:
        data = read_json(file)
        if is_coco(data):
            listed, names = coco(data, file)
        elif is_labelme(data):
            listed, names = [labelme(data, file)], ()
            names = tuple(dict.fromkeys(name for name, _ in listed[0][1].shapes))
        else:
            continue
        labels.update(dict.fromkeys(names))
        for image, drawn in listed:
            found[_part_of_file(file, path, is_coco(data))].append((image, drawn, file))
    if not found:
        return {}
    ordered = tuple(labels) if BACKGROUND in labels else (BACKGROUND, *sorted(labels))
    index = ImageIndex(path)
    return {part: _drawn_listing(items, index, ordered, path) for part, items in sorted(found.items())}


def list_coco(path: Path) -> dict[str, Listing]:
    """The pairs of one COCO file, whose images lie beside it or below its folder. Raises `DataError` where it is none."""
    data = read_json(path)
    if not is_coco(data):
        raise DataError(f"{str(path)!r} is no COCO file: expected an object with images, annotations and categories.")
    listed, labels = coco(data, path)
    return {"all": _drawn_listing([(image, drawn, path) for image, drawn in listed], ImageIndex(path.parent), labels, path.parent)}


def _part_of_file(file: Path, root: Path, is_one_file: bool) -> str:
    """The part of an annotation file: by a folder on its path, or for COCO by a word of its name (`instances_val2017.json`)."""
    words = [*file.relative_to(root).parts[:-1]]
    words += re.split(r"[\W_\d]+", file.stem) if is_one_file else []
    return next((part for word in words if (part := part_of(word))), "all")


def _drawn_listing(items: list[tuple[str, Drawn, Path]], index: ImageIndex, labels: tuple[str, ...], folder: Path) -> Listing:
    pairs, missing = [], []
    for name, drawn, file in items:
        beside = [file.parent / name, *(file.with_suffix(suffix) for suffix in EXTENSIONS[:12])]
        image = next((one for one in beside if one.is_file()), None) or index.find(name)
        if image is None:
            missing.append(name)
        else:
            pairs.append(Pair(image, drawn))
    if not pairs:
        raise DataError(f"None of the {len(items)} images that the annotations name is under {str(folder)!r}; the first: {items[0][0]!r}.")
    notes = [f"{len(missing)} images of the annotations are missing and are not used (the first: {missing[0]!r})"] if missing else []
    return Listing(pairs=pairs, labels=labels, folder=folder, warnings=notes)
