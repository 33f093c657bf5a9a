"""Mask files as people have them → class numbers: indexed PNGs, grey values, colours, blurred JPEGs, shapes."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.tasks.segment.encoder import MOST_CLASSES, VOID, MaskCode
from applied_dl.tasks.segment.readers.classes import ClassTable, default_palette, is_void, packed, unpacked_color
from applied_dl.tasks.segment.readers.shapes import BACKGROUND, Drawn, draw
from applied_dl.vision.images import open_image

MANY = 64  # different values, above which a mask is no mask of classes but a blurred one, or a photograph
CLOSE = 60  # distance in 0..255 per channel within which a blurred colour belongs to a class
LOSSY = (".jpg", ".jpeg", ".jfif", ".webp")
DARK = 32  # grey levels from 0, or up to 255, that are one of two classes in a blurred mask
NEAR_EXTREMES = 0.9  # share of grey values near 0 or 255 in a blurred mask of two classes
ORIENTATION = 0x0112  # EXIF


def raw_mask(source, color: bool | None = None) -> np.ndarray:
    """The values of a mask file, int32 (H, W): class numbers, or colours as 65536 r + 256 g + b where its pixels are not grey.

    Args:
        source: a path or an array.
        color: give colours for grey and indexed files too (True), or never (False); None decides by the file.

    Raises:
        DataError: the file cannot be read, or holds no whole numbers.
    """
    if isinstance(source, np.ndarray):
        return _values(source, "The mask", color)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_image(source) as image:
                from PIL import ImageOps

                image = ImageOps.exif_transpose(image)
                if image.mode == "P" and color:
                    image = image.convert("RGB")
                if image.mode in ("CMYK", "YCbCr", "HSV", "LAB", "PA"):
                    image = image.convert("RGB")
                return _values(np.asarray(image), repr(str(source)), color)
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"There is no mask {str(source)!r}.") from None
    except Exception as error:  # damaged files raise whatever Pillow's plugins raise
        raise DataError(f"The mask {str(source)!r} cannot be read: {' '.join(str(error).split())[:150]}.") from None


def _values(array: np.ndarray, name: str, color: bool | None) -> np.ndarray:
    if array.ndim == 3 and array.shape[-1] in (2, 4):
        alpha, array = array[..., -1], array[..., :-1]
        if array.size and (array == array[:1, :1]).all() and alpha.min() != alpha.max():
            array = alpha  # a single colour, cut out by its transparency
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or (array != np.round(array)).any():
            raise DataError(f"{name} holds numbers that are not whole; expected the class number of each pixel.")
        array = array.astype(np.int32)
    if array.ndim == 3 and array.shape[-1] == 3:
        if not color and (color is False or ((array[..., 0] == array[..., 1]) & (array[..., 1] == array[..., 2])).all()):
            return array[..., 0].astype(np.int32)
        wide = array.astype(np.int32)
        return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    if array.ndim != 2:
        raise DataError(f"{name} has the shape {array.shape}; expected one value or one colour per pixel.")
    values = array.astype(np.int32)
    return values * 0x010101 if color else values


def count_values(masks: Iterable, color: bool | None = None) -> list[Counter | DataError]:
    """The values of each mask with their pixels, or why it cannot be read."""

    def counted(mask) -> Counter | DataError:
        try:
            values, pixels = np.unique(raw_mask(mask, color), return_counts=True)
        except DataError as error:
            return error
        return Counter(dict(zip(values.tolist(), pixels.tolist())))

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(counted, masks))


def learn_code(masks: list, table: ClassTable | None, ignore, notes: list[str]) -> tuple[tuple[str, ...], tuple, MaskCode]:
    """The classes, their colours, and what the values of masks mean, from the training masks.

    Args:
        masks: paths or arrays.
        table: the classes that their owner lists, if any.
        ignore: `data.ignore`.
        notes: sentences for the user are added to it.

    Raises:
        DataError: the masks hold no classes, or other ones than are listed.
    """
    color = _colored(masks, table)
    counts = [found for found in count_values(masks, color) if isinstance(found, Counter)]
    total = sum(counts, Counter())
    if not total:
        raise DataError(f"None of the {len(masks)} training masks can be read.")
    lossy = any(isinstance(mask, Path) and mask.suffix.lower() in LOSSY for mask in masks)
    blurred = len(total) > MANY and max(map(len, counts)) > MANY or lossy and len(total) > 2 and max(total) > DARK
    void = _void_values(ignore, table, color)
    if color:
        names, colors, values = _coloured_classes(total, table, void, blurred)
    else:
        names, values, void, blurred = _numbered_classes(total, table, void, blurred, ignore, notes)
        colors = [unpacked_color(c) for c in table.colors] if table and table.colors else None
        colors = _of_kept(table, values, colors) if colors else list(default_palette(len(names)))
    if blurred:
        notes.append("the masks are blurred (JPEG?): each pixel gets the class of the nearest value; save masks as PNG")
    elif lossy and len(total) > 2:
        notes.append("the masks are JPEGs, whose compression changes class numbers: save masks as PNG")
    if len(names) > MOST_CLASSES:
        raise DataError(f"The masks have {len(names)} classes; expected at most {MOST_CLASSES}. Are they photographs?")
    if len(names) < 2:
        only = f"only {names[0]!r}" if names else "no class"
        raise DataError(f"The training masks hold {only} beside void; expected pixels of at least two classes.")
    kind = "color" if color else "index"
    return tuple(names), tuple(colors), MaskCode(kind=kind, values=tuple(values), void=tuple(sorted(void)), blurred=blurred)


def _colored(masks: list, table: ClassTable | None) -> bool:
    """Whether the pixels of masks are colours: those of a table, or not grey."""
    sample = masks[:: max(1, len(masks) // 20)]
    if table and table.colors:
        known, seen = set(table.colors), Counter()
        for found in count_values(sample, True):
            seen.update(found if isinstance(found, Counter) else {})
        inside = sum(pixels for value, pixels in seen.items() if value in known)
        numbers = Counter()
        for found in count_values(sample, False):
            numbers.update(found if isinstance(found, Counter) else {})
        as_numbers = sum(pixels for value, pixels in numbers.items() if value in table.values)
        return inside >= as_numbers or len(seen) > MANY
    plain = count_values(sample, None)
    return any(isinstance(found, Counter) and max(found) > 0xFFFF for found in plain)


def _void_values(ignore, table: ClassTable | None, color: bool) -> set[int]:
    """The raw values of void, from the recipe or from names such as "void" in the table."""
    found: set[int] = set()
    names = {} if table is None else dict(zip(table.names, table.colors if color else table.values))
    if ignore is None:
        return {value for name, value in names.items() if is_void(name)}
    for item in ignore:
        if isinstance(item, int):
            found.add(item * 0x010101 if color and item < 256 else item)
        elif item in names:
            found.add(names[item])
        elif item.startswith("#") and len(item) == 7:
            found.add(int(item[1:], 16))
        else:
            known = ", ".join(map(repr, names)) or "none, for want of data.classes"
            raise DataError(f'data.ignore names {item!r}; expected a value, a colour such as "#000000", or a class: {known}.')
    return found


def _coloured_classes(total: Counter, table: ClassTable | None, void: set[int], blurred: bool):
    """Names, colours and values of coloured masks."""
    if table is not None and table.colors:
        kept = [(name, color) for name, color in zip(table.names, table.colors) if color not in void]
        stray = sorted((value for value in total if value not in {*table.colors, *void}), key=lambda value: -total[value])
        if stray and not blurred and sum(total[value] for value in stray) > 0.01 * sum(total.values()):
            raise DataError(
                f"The masks have pixels of the colour RGB {unpacked_color(stray[0])}, which data.classes does not list; it lists "
                f"{', '.join(f'{name} {unpacked_color(color)}' for name, color in kept[:8])}."
            )
        return [name for name, _ in kept], [unpacked_color(color) for _, color in kept], [color for _, color in kept]
    if blurred:
        raise DataError(
            f"The masks have {len(total):,} different colours: they were saved as JPEG, or are photographs; save them as PNG, or list the "
            "colours of the classes in data.classes."
        )
    values = [value for value in sorted(total) if value not in void]
    if table is not None and len(table.names) == len(values):
        raise DataError(
            f"The masks are coloured, and data.classes names {len(values)} classes without their colours: give each class "
            'its colour, as in "road 128 64 128".'
        )
    names = ["#{:02x}{:02x}{:02x}".format(*unpacked_color(value)) for value in values]
    return names, [unpacked_color(value) for value in values], values


def _numbered_classes(total: Counter, table, void: set[int], blurred: bool, ignore, notes: list[str]):
    """Names, values, void values and whether the masks are blurred, of masks of class numbers."""
    values = sorted(total)
    if blurred:
        extremes = sum(pixels for value, pixels in total.items() if value < DARK or 255 - DARK < value < 256)
        if extremes < NEAR_EXTREMES * sum(total.values()) or values[-1] > 255:
            raise DataError(
                f"The masks hold {len(values):,} different grey values: they were saved as JPEG, or are photographs; save them as PNG with "
                "one value per class."
            )
        values = [0, 255]
    if table is not None:
        return *_listed(values, table, void, blurred, ignore), blurred
    if ignore is None and VOID in values and len(values) > 2:
        void = void | {VOID}
    values = [value for value in values if value not in void]
    if len(values) == 2 and values[0] == 0:
        return [BACKGROUND, "foreground"], values, void | ({VOID} if values[1] != VOID and ignore is None else set()), blurred
    names = [str(value) for value in values]
    notes.append(f"the classes have no names: {', '.join(names[:12])} are the values in the masks; data.classes names them")
    return names, values, void | ({VOID} if ignore is None else set()), blurred


def _listed(values: list[int], table: ClassTable, void: set[int], blurred: bool, ignore) -> tuple[list[str], list[int], set[int]]:
    """The classes of a table without void; two names also fit masks of 0 and 255."""
    if len(table.names) == 2 and values == [0, 255] and not void:
        return list(table.names), values, void
    if ignore is None:
        void = void | ({VOID} - set(table.values))
    beyond = [value for value in values if value not in table.values and value not in void]
    if beyond:
        raise DataError(
            f"The masks hold the value {beyond[0]}, and data.classes names {len(table.names)} classes with the values "
            f"{_range(table.values)}; name its class, or list it in data.ignore."
        )
    kept = [(name, value) for name, value in zip(table.names, table.values) if value not in void]
    return [name for name, _ in kept], [value for _, value in kept], void


def _range(values: tuple[int, ...]) -> str:
    ordered = sorted(values)
    return (
        f"{ordered[0]} to {ordered[-1]}"
        if len(ordered) > 4 and ordered[-1] - ordered[0] == len(ordered) - 1
        else ", ".join(map(str, ordered))
    )


def _of_kept(table: ClassTable, values: list[int], colors: list) -> list:
    by_value = dict(zip(table.values, colors))
    return [by_value.get(value, (128, 128, 128)) for value in values]


def class_mask(code: MaskCode, labels: tuple[str, ...], source) -> np.ndarray:
    """The class number of each pixel, uint8 (H, W), 255 for void.

    Args:
        code: what the values mean.
        labels: the classes.
        source: a path, an array or the shapes of an annotation file.

    Raises:
        DataError: the mask cannot be read, or holds a value that is no class.
    """
    if isinstance(source, Drawn):
        return draw(source, labels).astype(np.uint8)
    raw = raw_mask(source, code.kind == "color")
    values, place = np.unique(raw, return_inverse=True)
    known = {value: i for i, value in enumerate(code.values)} | dict.fromkeys(code.void, VOID)
    if code.blurred:
        numbers = _nearest(values, code)
    else:
        strange = [int(value) for value in values if int(value) not in known]
        numbers = np.array([known.get(int(value), VOID) for value in values], np.uint8)
        if strange and np.isin(raw, strange).mean() > (0.01 if code.kind == "color" else 0):  # a few pixels of mixed colours are void
            name = f"the colour RGB {unpacked_color(strange[0])}" if code.kind == "color" else f"the value {strange[0]}"
            where = repr(str(source)) if isinstance(source, str | Path) else "in an array"
            raise DataError(
                f"The mask {where} holds {name}, which is no class of the training masks; list it in data.ignore or data.classes."
            )
    return numbers[place.reshape(raw.shape)]


def _nearest(values: np.ndarray, code: MaskCode) -> np.ndarray:
    """The class of each value by the nearest one; void where none is near."""
    every = [*code.values, *code.void]
    numbers = np.array([*range(len(code.values)), *[VOID] * len(code.void)], np.uint8)
    if code.kind == "color":
        points, classes = (np.array([unpacked_color(int(v)) for v in some], np.float32) for some in (values, every))
    else:
        points, classes = (np.array(some, np.float32)[:, None] for some in (values, every))
    gaps = np.abs(points[:, None] - classes[None]).max(-1)
    far = gaps.min(1) > (CLOSE if code.kind == "color" else 127.5)
    return np.where(far, np.uint8(VOID), numbers[gaps.argmin(1)])


__all__ = ["class_mask", "count_values", "learn_code", "packed", "raw_mask"]
