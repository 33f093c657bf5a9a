"""Labelled pictures from wherever a person has them: a listing of sources and classes, nothing decoded yet.

Built-in `digits`; a folder of class folders (or of train/validation/test folders of those); a CSV or Parquet with path and label columns;
an `.npz` of arrays; `tfds:NAME`.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import numpy as np

from applied_dl.encoders.image import EXTENSIONS
from applied_dl.errors import DataError

PARTS = ("train", "validation", "test")
SEPARATOR = "|"  # between several labels of one picture in a table


class Pictures(msgspec.Struct, frozen=True, kw_only=True):
    """`sources`: paths, or an array (N, H, W[, C]); `labels`: one tuple of class names a picture; `part`: the part a picture was given
    to, or "" where the split is still to be made."""

    sources: list[Path] | np.ndarray
    labels: list[tuple[str, ...]]
    part: list[str]
    multi_label: bool = False
    name: str = ""

    def __len__(self) -> int:
        return len(self.labels)


def read_pictures(source: str, target: str = "label") -> Pictures:
    """List a source; `DataError` where it holds no labelled pictures."""
    if source == "digits":
        return _digits()
    if source.startswith("tfds:"):
        return _tfds(source.removeprefix("tfds:"))
    path = Path(source).expanduser()
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise DataError(f"There is no data at {source!r}; expected 'digits', a folder, a CSV/Parquet, an .npz, or tfds:NAME.")
    if path.suffix == ".npz":
        return _npz(path)
    if path.suffix in (".csv", ".tsv", ".parquet"):
        return _table(path, target)
    raise DataError(f"{source!r} is no source of pictures; expected a folder of class folders, a .csv, .parquet or .npz, or tfds:NAME.")


def read_parts(train: str | None, validation: str | None, test: str | None, target: str) -> Pictures:
    """Explicit parts, used exactly as given; a part without a source is cut from the training part later."""
    found = []
    for name, source in zip(PARTS, (train, validation, test)):
        if source is not None:
            pictures = read_pictures(source, target)
            found.append(msgspec.structs.replace(pictures, part=[name] * len(pictures)))
    if not found or found[0].part[0] != "train":
        raise DataError("data.validation and data.test need data.train beside them (or leave them out and set data.source).")
    return _joined(found)


def _joined(found: list[Pictures]) -> Pictures:
    arrays = [isinstance(p.sources, np.ndarray) for p in found]
    if any(arrays) and not all(arrays):
        raise DataError("data.train, data.validation and data.test must all be arrays or all be picture files.")
    sources = np.concatenate([p.sources for p in found]) if all(arrays) else [s for p in found for s in p.sources]
    labels, part = [x for p in found for x in p.labels], [x for p in found for x in p.part]
    return Pictures(sources=sources, labels=labels, part=part, multi_label=any(p.multi_label for p in found), name=found[0].name)


def _digits() -> Pictures:
    from sklearn.datasets import load_digits

    data = load_digits()
    grey = np.rint(data.images * (255 / 16)).astype(np.uint8)
    return _arrays(grey, data.target, "digits")


def _arrays(images: np.ndarray, target: np.ndarray, name: str, part: list[str] | None = None) -> Pictures:
    several = target.ndim == 2
    if several:
        labels = [tuple(str(i) for i in np.flatnonzero(row)) for row in target]
    else:
        labels = [(str(value),) for value in target.tolist()]
    return Pictures(sources=images, labels=labels, part=part or [""] * len(labels), multi_label=several, name=name)


def _folder(root: Path) -> Pictures:
    names = {child.name.lower(): child for child in sorted(root.iterdir()) if child.is_dir()}
    names = {{"val": "validation", "valid": "validation"}.get(name, name): child for name, child in names.items()}
    if "train" in names and set(names) <= set(PARTS):
        found = []
        for part in PARTS:
            if part in names:
                pictures = _classes(names[part])
                found.append(msgspec.structs.replace(pictures, part=[part] * len(pictures)))
        return msgspec.structs.replace(_joined(found), name=root.name)
    return _classes(root)


def _classes(root: Path) -> Pictures:
    sources: list[Path] = []
    labels: list[tuple[str, ...]] = []
    for child in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
        files = list(_files(child))
        sources += files
        labels += [(child.name,)] * len(files)
    if not sources:
        raise DataError(f"{str(root)!r} holds no class folders with pictures; expected {root.name}/CLASS/*.jpg (or "
                        f"{', '.join(e[1:] for e in EXTENSIONS[1:])}).")  # fmt: skip
    return Pictures(sources=sources, labels=labels, part=[""] * len(sources), name=root.name)


def _files(folder: Path):
    """Picture files below a folder, sorted; each real folder is entered once, so a loop of links ends."""
    entered = set()
    for where, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(where)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders.sort()
        yield from (Path(where) / n for n in sorted(names) if n.lower().endswith(EXTENSIONS) and not n.startswith("."))


def _table(path: Path, target: str) -> Pictures:
    """path and label columns; relative paths start at the table's folder; a path in several rows, or `a|b`, has several labels."""
    import polars as pl

    from applied_dl.errors import nearest

    try:
        table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(
            path, separator="\t" if path.suffix == ".tsv" else ",", infer_schema_length=0, encoding="utf8-lossy")
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{str(path)!r} cannot be read as a table: {str(error).splitlines()[0]}.") from error
    table = table.rename({name: name.lstrip("\ufeff").strip() for name in table.columns})
    for column in ("path", target):
        if column not in table.columns:
            raise DataError(f"{str(path)!r} has no column {column!r}; it has {', '.join(table.columns)}.{nearest(column, table.columns)}")
    merged: dict[str, dict[str, None]] = {}
    for row, (name, label) in enumerate(table.select(pl.col("path").cast(str), pl.col(target).cast(str)).iter_rows(), start=2):
        if not name or label is None or not label.strip():
            raise DataError(f"{str(path)!r}, row {row}: a path and a label are expected, received {name!r} and {label!r}.")
        merged.setdefault(name, {}).update(dict.fromkeys(part.strip() for part in label.split(SEPARATOR) if part.strip()))
    labels = [tuple(found) for found in merged.values()]
    if not labels:
        raise DataError(f"{str(path)!r} has no rows.")
    sources = [path.parent / Path(name).expanduser() for name in merged]
    if not any(source.exists() for source in sources):
        raise DataError(f"{str(path)!r} points nowhere: none of its {len(sources)} pictures exists (the first is {str(sources[0])!r}); "
                        "relative paths start at the table's own folder.")  # fmt: skip
    return Pictures(sources=sources, labels=labels, part=[""] * len(labels), multi_label=any(len(x) > 1 for x in labels), name=path.stem)


def _npz(path: Path) -> Pictures:
    """`images` (N, H, W[, C]) and `labels` (N,) or (N, C) 0/1; also x/y and x_train, y_train, x_test, y_test as Keras writes them."""
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{str(path)!r} is not a readable .npz without pickled objects: {error}.") from error
    found = []
    for x, y, part in (("images", "labels", ""), ("x", "y", ""), ("x_train", "y_train", "train"), ("x_validation", "y_validation",
                       "validation"), ("x_test", "y_test", "test")):  # fmt: skip
        if x in held and y in held:
            _check_arrays(path, x, held[x], y, held[y])
            found.append(_arrays(held[x], held[y], path.stem, [part] * len(held[y])))
    if not found:
        raise DataError(f"{str(path)!r} holds {sorted(held)}; expected 'images' and 'labels' (or x and y, or x_train, y_train, …).")
    return _joined(found)


def _check_arrays(path: Path, x: str, images: np.ndarray, y: str, target: np.ndarray) -> None:
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] not in (1, 3, 4)):
        raise DataError(f"{str(path)!r}: {x!r} must be (N, H, W) or (N, H, W, 1, 3 or 4), received shape {images.shape}.")
    if len(images) != len(target) or target.ndim not in (1, 2):
        raise DataError(f"{str(path)!r}: {y!r} must be ({len(images)},) or ({len(images)}, C), received shape {target.shape}.")
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise DataError(f"{str(path)!r}: {x!r} holds NaN or infinity; expected grey levels 0..1 or 0..255.")
    if images.dtype.kind not in "biuf":
        raise DataError(f"{str(path)!r}: {x!r} must hold numbers, received {images.dtype}.")


def _tfds(name: str) -> Pictures:
    """A TensorFlow Datasets set; `$TFDS_MANUAL_DIR` may hold its original files where there is no network."""
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise DataError(f"tfds:{name} needs the package tensorflow-datasets; pip install 'applied_dl[train]'.") from error

    manual = os.environ.get("TFDS_MANUAL_DIR")
    config = tfds.download.DownloadConfig(manual_dir=manual, try_download_gcs=False)
    try:
        builder = tfds.builder(name, try_gcs=False)
        builder.download_and_prepare(download_config=config)
    except Exception as error:  # TFDS raises many kinds; each becomes one sentence
        raise DataError(f"tfds:{name} could not be prepared: {str(error).splitlines()[0]}. Offline, put its original files into a folder "
                        "and name that in $TFDS_MANUAL_DIR.") from error  # fmt: skip
    feature = builder.info.features.get("label")
    if "image" not in builder.info.features or feature is None:
        raise DataError(f"tfds:{name} has the features {sorted(builder.info.features)}; expected 'image' and 'label'.")
    images, labels, part = [], [], []
    for split in builder.info.splits:
        for row in tfds.as_numpy(builder.as_dataset(split=split)):
            images.append(row["image"])
            labels.append((feature.int2str(int(row["label"])),))
            part.append({"train": "train", "validation": "validation", "test": "test"}.get(split, ""))
    if len({image.shape for image in images}) != 1:
        raise DataError(f"tfds:{name} holds pictures of several sizes; export them to a folder of class folders first.")
    return Pictures(sources=np.stack(images), labels=labels, part=part, name=name)
