"""What the values of masks mean, learned from the training masks and from the classes that their owner lists."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from applied_dl.core.errors import DataError
from applied_dl.tasks.segment.encoder import MOST_CLASSES, VOID, MaskCode
from applied_dl.tasks.segment.readers.classes import ClassTable, default_palette, is_void, unpacked_color
from applied_dl.tasks.segment.readers.masks import count_values
from applied_dl.tasks.segment.readers.mixtures import mixtures
from applied_dl.tasks.segment.readers.shapes import BACKGROUND

MANY = 64  # different values, above which a mask is no mask of classes but a blurred one, or a photograph
LOSSY = (".jpg", ".jpeg", ".jfif", ".webp")
DARK = 32  # grey levels from 0, or up to 255, that are one of two classes in a blurred mask
NEAR_EXTREMES = 0.9  # share of grey values near 0 or 255 in a blurred mask of two classes


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
    found = count_values(masks, color)
    counts = [one for one in found if isinstance(one, Counter)]
    total = sum(counts, Counter())
    if not total:
        raise DataError(f"None of the {len(masks)} training masks can be read; the first: {found[0]}")
    void = _void_values(ignore, table, color)
    lossy = any(isinstance(mask, Path) and mask.suffix.lower() in LOSSY for mask in masks)
    known = void | (set(table.colors if color else table.values) if table else set())
    mixed = mixtures(masks, total, color) - known if not lossy and set(total) - known else set()
    pure = Counter({value: pixels for value, pixels in total.items() if value not in mixed})
    blurred = len(pure) > MANY and max(map(len, counts)) > MANY or lossy and len(pure) > 2 and max(pure) > DARK
    if color:
        names, colors, values = _coloured_classes(pure, table, void, blurred)
    else:
        names, values, void, blurred = _numbered_classes(pure, table, void, blurred, ignore, notes)
        colors = [unpacked_color(c) for c in table.colors] if table and table.colors else None
        colors = _of_kept(table, values, colors) if colors else list(default_palette(len(names)))
    if mixed:
        share = sum(total[value] for value in mixed) / sum(total.values())
        notes.append(
            f"the masks have smoothed edges: {len(mixed):,} values between those of the classes ({share:.1%} of the pixels) are read as "
            "the nearest class"
        )
    elif blurred:
        notes.append("the masks are blurred (JPEG?): each pixel gets the class of the nearest value; save masks as PNG")
    elif lossy and len(total) > 2:
        notes.append("the masks are JPEGs, whose compression changes class numbers: save masks as PNG")
    blurred = blurred or bool(mixed)
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
        return *_listed(values, table, void, ignore), blurred
    if ignore is None and VOID in values and len(values) > 2:
        if _evenly(values):
            names = [str(value) for value in values]
            notes.append(f"the values {', '.join(names)} are evenly spaced, so that 255 is a class; data.ignore = [255] makes it void")
            return names, values, void, blurred
        void = void | {VOID}
        share = total[VOID] / sum(total.values())
        notes.append(f"the value 255 is read as void ({share:.1%} of the pixels); data.ignore = [] makes it a class")
    values = [value for value in values if value not in void]
    if len(values) == 2 and values[0] == 0:
        return [BACKGROUND, "foreground"], values, void | ({VOID} if values[1] != VOID and ignore is None else set()), blurred
    names = [str(value) for value in values]
    notes.append(f"the classes have no names: {', '.join(names[:12])} are the values in the masks; data.classes names them")
    return names, values, void | ({VOID} if ignore is None else set()), blurred


def _evenly(values: list[int]) -> bool:
    """Whether class numbers were spread over all grey levels, to be seen: 0, 128, 255 or 0, 85, 170, 255."""
    last = len(values) - 1
    return all(abs(value - 255 * i / last) <= 1 for i, value in enumerate(values))


def _listed(values: list[int], table: ClassTable, void: set[int], ignore) -> tuple[list[str], list[int], set[int]]:
    """The classes of a table without void; two names also fit masks of 0 and 255, and one name any two values."""
    if len(table.names) == 1 and len(values) == 2 and values[0] == 0 and not void and BACKGROUND not in table.names:
        return [BACKGROUND, *table.names], values, {VOID} - set(values)
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
