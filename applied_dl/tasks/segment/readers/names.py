"""Names of files and folders of images and masks → which are masks, the part of each, and what two that belong together share.

A file is a mask where a folder on its path says so (`masks`, `labels`, `trainannot`, …) or the end of its name (`cat_mask.png`). An image
and a mask belong together where their paths are equal without these words and without the names of parts.
"""

from __future__ import annotations

import re
from pathlib import Path

from applied_dl.io.parts import part_of

MASKS = {
    "mask", "masks", "label", "labels", "annot", "annots", "annotation", "annotations", "gt", "gts", "groundtruth", "ground truth", "seg",
    "segmentation", "segmentations", "segmentationclass", "segmentation class", "target", "targets", "trimap", "trimaps", "labelids",
    "gtfine", "gtcoarse",
}  # fmt: skip
IMAGES = {
    "image", "images", "img", "imgs", "jpegimages", "input", "inputs", "rgb", "photo", "photos", "frames", "leftimg8bit", "png images",
}  # fmt: skip
OBJECTS = {"segmentationobject", "segmentation object"}  # numbers of single objects, beside the classes
MASK_END = re.compile(
    r"[ ._-]+(masks?(?:[ ._-]?\d{1,3})?|label|labels|labelids|gt|seg|segmentation|annotation|annot|matte|gtfine[ ._-]+labelids|groundtruth"
    r"|l|p)$",
    re.IGNORECASE,
)
IMAGE_END = re.compile(r"[ ._-]+(image|img|rgb|leftimg8bit|input|photo)$", re.IGNORECASE)
MASK_START = re.compile(r"^(mask|label|gt|seg|segmentation)[ ._-]+", re.IGNORECASE)
IMAGE_START = re.compile(r"^(image|img|photo|input|rgb)[ ._-]+", re.IGNORECASE)
NUMBER = re.compile(r"[ ._-]?\d{1,3}$")
JOINED = re.compile(r"^(.+?)[ ._-]*(masks?|labels?|annot|annotations?|gt|images?|imgs?)$")  # trainannot, val_masks, train_images


def same_names(files: list[Path]) -> set[str]:
    """The names that are there both in folders of images and in folders of masks: nothing in them is a mark of a mask."""
    stems: dict[bool, set[str]] = {False: set(), True: set()}
    for file in files:
        _, _, is_mask = _of_folders(file.parts[:-1])
        if is_mask is not None:
            stems[is_mask].add(file.stem)
    return stems[False] & stems[True]


def path_key(file: Path, same: set[str], loose: bool = False) -> tuple[str, tuple[str, ...], bool]:
    """The part of a file, what is left of its path to find its counterpart, and whether it is a mask.

    Args:
        file: relative to the folder of the data.
        same: names that are kept whole, as those of `images/7_L.png` and `masks/7_L.png`.
        loose: one word of a folder's name is enough, as of `label_images_semantic`.
    """
    part, kept, is_mask = _of_folders(file.parts[:-1], loose)
    stem = file.stem
    if stem in same and is_mask is not None:
        return part, (*kept, stem.lower()), is_mask
    is_mask = is_mask or bool(MASK_END.search(stem) or MASK_START.match(stem))
    stem = (MASK_START if is_mask else IMAGE_START).sub("", (MASK_END if is_mask else IMAGE_END).sub("", stem)) or stem
    return part, (*kept, stem.lower()), is_mask


def _of_folders(folders: tuple[str, ...], loose: bool = False) -> tuple[str, list[str], bool | None]:
    """The part that folders on a path name, those that mean nothing, and whether they hold masks; None where none says so."""
    part, is_mask, kept = "all", None, []
    for folder in folders:
        word = plain(folder)
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
        elif loose and (words := _words(folder)) & (MASKS | IMAGES):
            is_mask = is_mask or bool(words & MASKS)
            part = next((found for one in sorted(words) if (found := part_of(one))), part)
        else:
            kept.append(word)
    return part, kept, is_mask


def plain(folder: str) -> str:
    return re.sub(r"[\s_\-]+", " ", folder).strip().lower()


def _words(folder: str) -> set[str]:
    """The words of a folder's name, also with its capitals as beginnings of words."""
    return {word for text in (folder, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", folder)) for word in re.findall(r"[a-z]+", text.lower())}
