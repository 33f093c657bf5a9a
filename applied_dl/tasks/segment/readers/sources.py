"""The sources of images with masks by their name in a recipe: built-in, folder, archive, table, COCO file, arrays."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.io.cells import as_levels
from applied_dl.io.parts import part_of
from applied_dl.tasks.segment.readers.annotated import list_coco
from applied_dl.tasks.segment.readers.classes import class_table
from applied_dl.tasks.segment.readers.layouts import list_folder
from applied_dl.tasks.segment.readers.listing import Listing, Pair
from applied_dl.tasks.segment.readers.scenes import scenes
from applied_dl.vision.archives import cure, opened
from applied_dl.vision.tables import TABLES, find_paths, read_frame, split_column

BUILT_IN = ("scenes",)
MASK_COLUMNS = ("mask", "masks", "mask_path", "maskpath", "label", "label_path", "annotation", "segmentation", "target", "gt")


def list_source(source: str, data, cache: Path) -> dict[str, Listing]:
    """The pairs of a source by part: `{"all": …}`, or some of train, validation and test where the source has its own parts.

    Args:
        source: "scenes", a folder, an archive of one, a table of paths, a COCO file, or an `.npz` of images and masks.
        data: the recipe's `[data]` section.
        cache: folder for what is unpacked.

    Raises:
        DataError: there is nothing at `source`, or it cannot be understood.
        UsageError: the source is of an unknown kind.
    """
    if source in BUILT_IN:
        return {"all": scenes()}
    path = opened(Path(source).expanduser(), cache)
    if path.is_dir():
        return list_folder(path, data.classes)
    if not path.exists():
        hint = nearest(source, BUILT_IN) if get_close_matches(source, BUILT_IN) else ""
        raise DataError(f"There is no data at {source!r}; expected a built-in name, a folder, a .zip, a table or a COCO file.{hint}")
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return {"all": _arrays(path, data)}
    if suffix == ".json":
        return list_coco(path)
    if suffix in TABLES:
        return _table(path, data)
    raise UsageError(
        f"data.source {source!r} is not of a known kind; expected a folder, a .zip or .tar.gz, a table ({', '.join(TABLES[:4])}, …), a "
        f"COCO .json, an .npz or 'scenes'.{cure(path)}"
    )


def _table(path: Path, data) -> dict[str, Listing]:
    """The pairs of a table with a column of images and one of masks, by the parts that a column such as `split` names."""
    frame = read_frame(path)
    if not frame.height:
        raise DataError(f"{str(path)!r} has a header and no rows; expected one row per image.")
    mask = data.mask or next((name for name in frame.columns if name.lower() in MASK_COLUMNS), None)
    column, images = find_paths(frame, path, data.image, (mask,) if mask else (), key="data.image")
    try:
        mask, masks = find_paths(frame, path, mask, (column,), key="data.mask")
    except DataError as error:
        if mask is not None:
            raise
        if lengths := next((name for name in frame.columns if _are_run_lengths(frame[name])), None):
            raise DataError(
                f"{str(path)!r}: the column {lengths!r} holds run lengths, which some data sets count by rows and others by columns; write "
                "each mask as a PNG, or all of them as a COCO file."
            ) from error
        raise DataError(f"{str(path)!r} has no column of masks beside the images of {column!r}; set data.mask to it.") from error
    pairs = [Pair(*pair) for pair in zip(images, masks)]
    table, split = class_table(data.classes, path.parent), split_column(frame, (column, mask))
    if split is None:
        return {"all": Listing(pairs=pairs, table=table, folder=path.parent)}
    parts = [None if cell is None else part_of(cell) for cell in as_levels(frame[split]).to_list()]
    return {
        part: Listing(pairs=[pair for pair, own in zip(pairs, parts) if own == part], table=table, folder=path.parent)
        for part in dict.fromkeys(parts)
        if part is not None
    }


def _are_run_lengths(cells) -> bool:
    texts = [text for text in as_levels(cells).drop_nulls().head(100).to_list() if text.strip()]
    return bool(texts) and all(re.fullmatch(r"\d+ \d+( \d+ \d+)*", text.strip()) for text in texts)


def _as_numbers(masks: np.ndarray, path: Path) -> np.ndarray:
    """Masks (N, H, W) of class numbers from one channel, or from a channel of 0 and 1 for each class; colours (N, H, W, 3) as they are."""
    if masks.ndim != 4:
        return masks
    if masks.shape[-1] == 1:
        return masks[..., 0]
    sums = masks.sum(-1)
    if (sums == sums.max()).all() and np.isin(masks, (0, sums.max())).all() and sums.max() > 0:
        return masks.argmax(-1).astype(np.uint8)
    if masks.shape[-1] == 3 and masks.dtype == np.uint8:
        return masks
    raise DataError(
        f"{str(path)!r}: the masks have the shape {masks.shape}, and not each pixel is of one channel; expected (N, H, W) of class "
        "numbers, or a channel for each class that do not overlap."
    )


def _arrays(path: Path, data) -> Listing:
    """An `.npz` with images (N, H, W, C) and masks (N, H, W), named images and masks, or x and y."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name.lower(): file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise DataError(f"{str(path)!r} cannot be read as .npz: {error}.") from error
    images = next((arrays[name] for name in ("images", "image", "x") if name in arrays), None)
    masks = next((arrays[name] for name in ("masks", "mask", "y", "labels") if name in arrays), None)
    if images is None or masks is None:
        raise DataError(f"{str(path)!r} holds {', '.join(arrays) or 'nothing'}; expected the arrays images and masks (or x and y).")
    masks = _as_numbers(masks, path)
    if images.ndim not in (3, 4) or masks.shape[:3] != images.shape[:3]:
        raise DataError(f"{str(path)!r}: images {images.shape} and masks {masks.shape} do not fit; expected (N, H, W, C) and (N, H, W).")
    return Listing(pairs=[Pair(image, mask) for image, mask in zip(images, masks)], table=class_table(data.classes, path.parent))
