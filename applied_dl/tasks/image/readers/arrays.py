"""Images that are arrays: an `.npz` of images and labels, and the built-in digits."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.io.parts import PARTS
from applied_dl.tasks.image.readers.labels import MOST_CODES, LabelCells, is_measure
from applied_dl.tasks.image.readers.listing import Listing, Options
from applied_dl.vision.idx import idx_parts

IMAGE_KEYS, LABEL_KEYS = ("images", "image", "x", "data"), ("labels", "label", "y", "target", "targets")


def digits() -> Listing:
    """1,797 handwritten digits, grey 8 by 8 (UCI; Alpaydin and Kaynak, 1998), from scikit-learn; 0..16 scaled to 0..255."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = np.round(data.images * (255 / 16)).astype(np.uint8)[..., None]
    return Listing(items=list(images), labels=[(str(n),) for n in data.target], order=tuple(str(n) for n in range(10)))


def list_arrays(path: Path, options: Options) -> dict[str, Listing]:
    """An `.npz` with images and labels (`x`, `y`; `x_train`, `y_train`, `x_test`, …; `train_images`, `train_labels`, …).

    Raises:
        DataError: the file is damaged, an array is missing, or shapes and lengths do not fit.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise DataError(f"{str(path)!r} cannot be read as .npz: {error}.") from error
    named = {name: _part_and_kind(name) for name in arrays}
    parts = {part for part, kind in named.values() if kind == "image"}
    if not parts:
        raise DataError(f"{str(path)!r} has no array of images: expected x and y (or x_train, y_train, …); received {sorted(arrays)}.")
    classes = [str(n) for n in arrays["class_names"]] if "class_names" in arrays else None
    return {part: _listing(arrays, named, part, path, classes, options) for part in sorted(parts)}


def list_idx(files: list[Path]) -> dict[str, Listing]:
    """The listings of IDX files by part; empty where there are none. Raises `DataError` where labels are missing or a file is damaged."""
    return {
        part: Listing(items=list(images[..., None]), labels=[(str(label),) for label in labels.tolist()])
        for part, (images, labels) in idx_parts(files).items()
    }


def _part_and_kind(name: str) -> tuple[str, str]:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")
    part = next((PARTS[w] for w in words if w in PARTS), "all")
    rest = [w for w in words if w not in PARTS]
    kind = "image" if rest and rest[0] in IMAGE_KEYS else "label" if rest and rest[0] in LABEL_KEYS else ""
    return part, kind


def _listing(arrays, named, part, path, classes, options: Options) -> Listing:
    images = next(arrays[name] for name, found in named.items() if found == (part, "image"))
    labels = next((arrays[name] for name, found in named.items() if found == (part, "label")), None)
    where = f"{str(path)!r}, part {part!r}"
    if labels is None:
        raise DataError(f"{where}: there are images but no labels; add an array y (or labels) of the same length.")
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] not in (1, 3, 4)):
        raise DataError(f"{where}: images must have shape (N, H, W) or (N, H, W, 1, 3 or 4); received {images.shape}.")
    if len(labels) != len(images):
        raise DataError(f"{where}: {len(images)} images and {len(labels)} labels; expected the same number of each.")
    if images.dtype.kind not in "iufb" or (images.dtype.kind == "f" and not np.isfinite(images).all()):
        what = "NaN or infinity" if images.dtype.kind == "f" else f"values of type {images.dtype}"
        raise DataError(f"{where}: the images hold {what}; expected uint8, uint16, bool or finite floats.")
    if images.dtype.kind == "i" and images.size and images.min() < 0:
        raise DataError(f"{where}: the images hold negative whole numbers; expected uint8, uint16, bool or floats.")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise DataError(f"{where}: the labels hold NaN or infinity; expected class numbers or names.")
    items = list(images if images.ndim == 4 else images[..., None])
    if options.kind == "regression" or (options.kind is None and not classes and _measured(labels)):
        if labels.reshape(len(labels), -1).shape[1] != 1 or labels.dtype.kind not in "iuf":
            raise DataError(f"{where}: regression takes one number per image; received labels of shape {labels.shape}, {labels.dtype}.")
        note = (
            [] if options.kind else ["the labels are numbers and are predicted as such (data.kind = 'classification' makes them classes)"]
        )
        return Listing(items=items, numbers=[float(v) for v in labels.reshape(-1)], warnings=note)
    several = labels.ndim == 2 and labels.shape[1] > 1
    if several and (labels.sum(1) == 1).all() and set(np.unique(labels)) <= {0, 1}:
        labels, several = labels.argmax(1), False  # one-hot rows are single labels
    return Listing(items=items, labels=_names(labels, several, classes), several=several, order=tuple(classes or ()))


def _measured(labels: np.ndarray) -> bool:
    flat = labels.reshape(len(labels), -1)
    if flat.shape[1] != 1 or labels.dtype.kind not in "iuf":
        return False
    if labels.dtype.kind in "iu" and len(np.unique(flat)) <= MOST_CODES:  # few whole numbers of an array are class codes
        return False
    values = flat[:, 0].astype(np.float64)
    return is_measure(LabelCells(target="", texts=[str(v) for v in values], numbers=values))


def _names(labels: np.ndarray, several: bool, classes: list[str] | None) -> list[tuple[str, ...]]:
    if several:
        width = len(str(labels.shape[1] - 1))
        names = classes or [f"{i:0{width}d}" for i in range(labels.shape[1])]
        return [tuple(names[i] for i in np.flatnonzero(row)) for row in labels]
    flat = labels.reshape(-1)
    if flat.dtype.kind == "f":
        flat = flat.astype(np.int64) if (flat == flat.astype(np.int64)).all() else flat
    return [(classes[int(v)] if classes and flat.dtype.kind in "iu" else str(v),) for v in flat.tolist()]
