"""Masks that are drawn from annotation files: COCO (polygons and run lengths) and LabelMe (polygons, rectangles, circles)."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from applied_dl.core.errors import DataError

BACKGROUND = "background"


class Drawn(Struct, frozen=True, kw_only=True):
    """A mask as shapes; later ones lie on top.

    Attributes:
        height, width: of the mask.
        shapes: the class of each with its polygons, or with its run lengths (a dict of COCO).
        source: the annotation file.
    """

    height: int
    width: int
    shapes: tuple[tuple[str, Any], ...]
    source: str


def read_json(path: Path) -> Any:
    """A JSON file, or a `DataError` in one sentence."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise DataError(f"The annotations {str(path)!r} cannot be read: {' '.join(str(error).split())[:150]}.") from None


def is_coco(data: Any) -> bool:
    """Whether a JSON value is a COCO data set of objects; one of captions is none."""
    if not isinstance(data, dict) or not isinstance(data.get("images"), list) or not isinstance(data.get("annotations"), list):
        return False
    return not data["annotations"] or "caption" not in data["annotations"][0]


def is_labelme(data: Any) -> bool:
    """Whether a JSON value is a LabelMe file."""
    return isinstance(data, dict) and isinstance(data.get("shapes"), list)


def coco(data: dict, path: Path) -> tuple[list[tuple[str, Drawn]], tuple[str, ...]]:
    """The images of a COCO data set by file name, with their masks, and the classes, background first.

    Raises:
        DataError: an annotation names no image or category, or has no segmentation.
    """
    try:
        names = {item["id"]: str(item["name"]) for item in data.get("categories", ())}
        images = {item["id"]: item for item in data["images"]}
        found = defaultdict(list)
        for one in data["annotations"]:
            if one["image_id"] not in images or one["category_id"] not in names:
                raise DataError(
                    f"{str(path)!r}: the annotation {one.get('id')} names image {one['image_id']} and category {one['category_id']}, "
                    "which the file does not list."
                )
            if not one.get("segmentation"):
                raise DataError(f"{str(path)!r}: the annotation {one.get('id')} has no segmentation; boxes alone give no mask.")
            found[one["image_id"]].append((-float(one.get("area", 0)), names[one["category_id"]], one["segmentation"]))
        listed = []
        for key, image in images.items():
            ranked = sorted(found[key], key=lambda item: item[0])  # small things lie on large ones
            shapes = tuple((name, segmentation) for _, name, segmentation in ranked)
            drawn = Drawn(height=int(image["height"]), width=int(image["width"]), shapes=shapes, source=str(path))
            listed.append((str(image["file_name"]), drawn))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{str(path)!r} is no complete COCO file: {type(error).__name__} {error}.") from None
    ordered = [names[key] for key in sorted(names, key=lambda key: (isinstance(key, str), key))]
    return listed, (BACKGROUND, *(name for name in dict.fromkeys(ordered) if name != BACKGROUND))


def labelme(data: dict, path: Path) -> tuple[str, Drawn]:
    """The image of a LabelMe file and its mask.

    Raises:
        DataError: a shape or the size of the image is missing.
    """
    shapes = []
    try:
        for shape in data["shapes"]:
            kind, points = shape.get("shape_type") or "polygon", [(float(x), float(y)) for x, y in shape["points"]]
            if kind == "rectangle":
                (x0, y0), (x1, y1) = points
                points = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
            elif kind == "circle":
                (x0, y0), (x1, y1) = points
                radius, turns = np.hypot(x1 - x0, y1 - y0), np.linspace(0, 2 * np.pi, 64, endpoint=False)
                points = [(x0 + radius * np.cos(t), y0 + radius * np.sin(t)) for t in turns]
            elif kind != "polygon":
                continue  # points and lines have no area
            shapes.append((str(shape["label"]), [[float(v) for point in points for v in point]]))
        name = str(data.get("imagePath") or path.with_suffix("").name).replace("\\", "/")
        drawn = Drawn(height=int(data["imageHeight"]), width=int(data["imageWidth"]), shapes=tuple(shapes), source=str(path))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{str(path)!r} is no complete LabelMe file: {type(error).__name__} {error}.") from None
    return name, drawn


def draw(mask: Drawn, labels: tuple[str, ...]) -> np.ndarray:
    """The mask (H, W) of class numbers, int32.

    Raises:
        DataError: a class is unknown, or run lengths do not fill the image.
    """
    from PIL import Image, ImageDraw

    code = {name: i for i, name in enumerate(labels)}
    canvas = Image.new("I", (mask.width, mask.height), code.get(BACKGROUND, 0))
    for name, shape in mask.shapes:
        if name not in code:
            raise DataError(f"{mask.source!r} has the class {name!r}, which is not among {', '.join(labels[:12])}.")
        if isinstance(shape, dict):
            inside = run_lengths(shape, mask)
            canvas.paste(code[name], mask=Image.fromarray((inside * 255).astype(np.uint8)))
            continue
        pen = ImageDraw.Draw(canvas)
        for polygon in shape:
            if len(polygon) >= 6:
                pen.polygon([(x, y) for x, y in zip(polygon[::2], polygon[1::2])], fill=code[name])
    return np.asarray(canvas, np.int32)


def run_lengths(shape: dict, mask: Drawn) -> np.ndarray:
    """(H, W) booleans of COCO's run lengths, plain or compressed: columns first, beginning with zeros."""
    counts = shape.get("counts", ())
    counts = _decompressed(counts) if isinstance(counts, str | bytes) else [int(n) for n in counts]
    size = tuple(int(n) for n in shape.get("size", (mask.height, mask.width)))
    if size != (mask.height, mask.width) or sum(counts) != mask.height * mask.width or min(counts, default=0) < 0:
        raise DataError(
            f"{mask.source!r}: run lengths of size {list(size)} with {sum(counts):,} pixels do not fill an image of {mask.height} by "
            f"{mask.width} pixels."
        )
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return flat.reshape(mask.width, mask.height).T


def _decompressed(text: str | bytes) -> list[int]:
    """The counts of COCO's compressed form: five bits a character, differences to the last but one from the fourth on."""
    data, counts, place = text.encode() if isinstance(text, str) else text, [], 0
    while place < len(data):
        value = shift = 0
        more = True
        while more:
            if place >= len(data):
                return [-1]  # cut short: refused as counts that do not fill the image
            piece = data[place] - 48
            value |= (piece & 31) << shift
            more, place, shift = bool(piece & 32), place + 1, shift + 5
            if not more and piece & 16:
                value |= -1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
    return counts
