"""What lies where: a source named in a recipe → its pictures and their labels, nothing decoded yet.

Sources: the built-in `digits`, a folder of class folders (or of train/validation/test folders that hold them), a CSV/Parquet, an `.npz`
of arrays, `tfds:NAME`.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import numpy as np
from msgspec import Struct, field

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.tasks.image.encoder import EXTENSIONS, as_uint8
from applied_dl.tasks.image.readers.table import labelled_paths

PARTS = {"train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation", "test": "test"}
BUILT_IN = ("digits",)
IMAGE_KEYS, LABEL_KEYS = ("images", "image", "x", "data"), ("labels", "label", "y", "target", "targets")


class Listing(Struct, frozen=True, kw_only=True):
    """Pictures as paths or as uint8 arrays (H, W, C), and the labels of each. `order` fixes the classes' order, where the source does."""

    items: list
    labels: list[tuple[str, ...]]
    several: bool = False
    order: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)


def list_source(source: str, target: str, cache: Path, manual: str | None = None) -> dict[str, Listing]:
    """The listings of a source by part: `{"all": …}`, or some of train, validation and test where the source has its own parts."""
    if source in BUILT_IN:
        return {"all": digits()}
    if source.startswith("tfds:"):
        from applied_dl.tasks.image.readers.tfds import list_tfds

        return list_tfds(source.removeprefix("tfds:"), cache, manual)
    path = Path(source).expanduser()
    if path.is_dir():
        return list_folder(path)
    if not path.exists():
        hint = nearest(source, BUILT_IN) if get_close_matches(source, BUILT_IN) else ""
        raise DataError(f"There is no data at {source!r}; expected a built-in name, a folder, a CSV/Parquet, an .npz or tfds:NAME.{hint}")
    if path.suffix.lower() == ".npz":
        return list_arrays(path)
    if path.suffix.lower() in (".csv", ".tsv", ".parquet"):
        items, labels, several = labelled_paths(path, target)
        return {"all": Listing(items=items, labels=labels, several=several)}
    raise UsageError(f"data.source {source!r} is of no known kind; expected a folder, .csv, .tsv, .parquet, .npz, 'digits' or tfds:NAME.")


def digits() -> Listing:
    """1,797 handwritten digits, grey 8 by 8 (UCI; Alpaydin and Kaynak, 1998), as scikit-learn brings them; 0..16 scaled to 0..255."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = np.round(data.images * (255 / 16)).astype(np.uint8)[..., None]
    return Listing(items=list(images), labels=[(str(n),) for n in data.target], order=tuple(str(n) for n in range(10)))


def list_folder(folder: Path) -> dict[str, Listing]:
    """Class folders, or part folders that hold class folders. Links are followed, each folder once."""
    inside = _folders(folder)
    parts = {PARTS[p.name.lower()]: p for p in inside if p.name.lower() in PARTS}
    if "train" in parts and any(_folders(p) for p in parts.values()):
        return {name: _classes(path) for name, path in parts.items()}
    return {"all": _classes(folder)}


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    except OSError as error:
        raise DataError(f"The folder {str(folder)!r} cannot be read: {error.strerror}.") from error


def _classes(folder: Path) -> Listing:
    items, labels, warnings, seen = [], [], [], {folder.resolve()}
    for path in _folders(folder):
        found, other = _pictures(path, seen)
        if not found:
            warnings.append(f"the folder {path.name!r} holds no pictures and is no class")
        if other:
            warnings.append(f"{other} files of {path.name!r} are no pictures by their name and were left out")
        items += found
        labels += [(path.name,)] * len(found)
    if not items:
        loose = any(p.suffix.lower() in EXTENSIONS for p in folder.iterdir())
        what = "pictures, but no class folders around them" if loose else "no pictures"
        raise DataError(f"The folder {str(folder)!r} holds {what}; expected one folder per class: {folder.name}/CLASS/picture.jpg.")
    return Listing(items=items, labels=labels, warnings=warnings)


def _pictures(folder: Path, seen: set[Path]) -> tuple[list[Path], int]:
    """Pictures under a folder in order, and how many other files there are; `seen` breaks loops of links."""
    real = folder.resolve()
    if real in seen:
        return [], 0
    seen.add(real)
    found, other = [], 0
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in ("Thumbs.db", "desktop.ini"):
            continue
        if path.is_dir():
            deeper, more = _pictures(path, seen)
            found, other = found + deeper, other + more
        elif path.suffix.lower() in EXTENSIONS:
            found.append(path)
        else:
            other += 1
    return found, other


def list_arrays(path: Path) -> dict[str, Listing]:
    """An `.npz` with images and labels (`x`, `y`; `x_train`, `y_train`, `x_test`, …; `train_images`, `train_labels`, …)."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise DataError(f"{str(path)!r} cannot be read as .npz: {error}.") from error
    named = {name: _part_and_kind(name) for name in arrays}
    parts = {part for part, kind in named.values() if kind == "image"}
    if not parts:
        raise DataError(f"{str(path)!r} has no array of pictures: expected x and y (or x_train, y_train, …); received {sorted(arrays)}.")
    classes = [str(n) for n in arrays["class_names"]] if "class_names" in arrays else None
    return {part: _array_listing(arrays, named, part, path, classes) for part in sorted(parts)}


def _part_and_kind(name: str) -> tuple[str, str]:
    words = name.lower().split("_")
    part = next((PARTS[w] for w in words if w in PARTS), "all")
    rest = [w for w in words if w not in PARTS]
    kind = "image" if rest and rest[0] in IMAGE_KEYS else "label" if rest and rest[0] in LABEL_KEYS else ""
    return part, kind


def _array_listing(arrays, named, part, path, classes) -> Listing:
    images = next(arrays[name] for name, found in named.items() if found == (part, "image"))
    labels = next((arrays[name] for name, found in named.items() if found == (part, "label")), None)
    where = f"{str(path)!r}, part {part!r}"
    if labels is None:
        raise DataError(f"{where}: there are pictures and no labels; add an array y (or labels) of the same length.")
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] not in (1, 3, 4)):
        raise DataError(f"{where}: pictures must have shape (N, H, W) or (N, H, W, 1, 3 or 4); received {images.shape}.")
    if len(labels) != len(images):
        raise DataError(f"{where}: {len(images)} pictures and {len(labels)} labels; expected as many of each.")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise DataError(f"{where}: the labels hold NaN or infinity; expected class numbers or names.")
    try:
        pixels = as_uint8(images if images.ndim == 4 else images[..., None])
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    several = labels.ndim == 2 and labels.shape[1] > 1
    if several and (labels.sum(1) == 1).all() and set(np.unique(labels)) <= {0, 1}:
        labels, several = labels.argmax(1), False  # one-hot rows are single labels
    return Listing(items=list(pixels), labels=_names(labels, several, classes), several=several, order=tuple(classes or ()))


def _names(labels: np.ndarray, several: bool, classes: list[str] | None) -> list[tuple[str, ...]]:
    if several:
        width = len(str(labels.shape[1] - 1))
        names = classes or [f"{i:0{width}d}" for i in range(labels.shape[1])]
        return [tuple(names[i] for i in np.flatnonzero(row)) for row in labels]
    flat = labels.reshape(-1)
    if flat.dtype.kind == "f":
        flat = flat.astype(np.int64) if (flat == flat.astype(np.int64)).all() else flat
    return [(classes[int(v)] if classes and flat.dtype.kind in "iu" else str(v),) for v in flat.tolist()]
