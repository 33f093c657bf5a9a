"""Names and colours of classes, from a recipe or from the files that data sets have: one name a line, a table of colours, JSON."""

from __future__ import annotations

import colorsys
import csv
import json
import re
from pathlib import Path

from msgspec import Struct

from applied_dl.core.errors import DataError

FILES = (  # in a folder of data, where the recipe names none
    "classes.txt", "labels.txt", "names.txt", "class_names.txt", "label_names.txt", "codes.txt", "class_dict.csv", "classes.csv",
    "palette.csv", "colors.csv", "label_colors.txt", "labelmap.txt", "palette.json", "classes.json", "labels.json", "id2label.json",
    "_classes.csv", "label_class_dict.csv",
)  # fmt: skip
VOID_NAMES = ("void", "ignore", "ignored", "unlabeled", "unlabelled", "unknown", "dont care", "don't care", "no label", "out of roi")
COLOR = re.compile(r"#?([0-9a-fA-F]{6})$")
NUMBERS = re.compile(r"(?<![\w.])(\d{1,5})(?![\w.])")


class ClassTable(Struct, frozen=True, kw_only=True):
    """Classes as their owner lists them.

    Attributes:
        names: of the classes.
        values: the value of each class in masks of class numbers.
        colors: its colour in coloured masks, as 65536 r + 256 g + b; empty where the file has none.
    """

    names: tuple[str, ...]
    values: tuple[int, ...]
    colors: tuple[int, ...] = ()


def packed(red: int, green: int, blue: int) -> int:
    """A colour as one number."""
    return (int(red) << 16) | (int(green) << 8) | int(blue)


def unpacked_color(value: int) -> tuple[int, int, int]:
    """Its red, green and blue."""
    return value >> 16 & 255, value >> 8 & 255, value & 255


def is_void(name: str) -> bool:
    """Whether a class of this name stands for pixels that are not to be learned."""
    return re.sub(r"[\s_\-]+", " ", name).strip().lower() in VOID_NAMES


def class_table(setting: str | tuple[str, ...] | None, folder: Path | None) -> ClassTable | None:
    """The classes that a recipe lists (`data.classes`), or those of a usual file in the folder of the data; None where there are none.

    Raises:
        DataError: there is no such file, or it cannot be understood.
    """
    if isinstance(setting, tuple | list):
        return _checked(ClassTable(names=tuple(setting), values=tuple(range(len(setting)))), "data.classes")
    if setting is not None:
        path = Path(setting).expanduser()
        if not path.is_file():
            raise DataError(f"There is no file of classes {setting!r} (data.classes); give a list of names, or a .txt, .csv or .json file.")
        return read_classes(path)
    found = None if folder is None else next((folder / name for name in FILES if (folder / name).is_file()), None)
    return None if found is None else read_classes(found)


def read_classes(path: Path) -> ClassTable:
    """The classes of a file: names by line (with numbers or colours, in any order of the columns), a table with a header, or JSON.

    Raises:
        DataError: the file cannot be read, or names no class.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = _from_json(json.loads(text)) if path.suffix.lower() == ".json" else _from_lines(text)
    except (OSError, UnicodeDecodeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"The classes of {str(path)!r} cannot be read: {' '.join(str(error).split())[:150]}.") from None
    if not rows:
        raise DataError(f"{str(path)!r} names no classes; expected one name a line, in the order of the values in the masks.")
    colors = [color for _, _, color in rows]
    if any(c is None for c in colors) and not all(c is None for c in colors):
        missing = rows[colors.index(None)][0]
        raise DataError(f"{str(path)!r} gives colours to some classes and none to {missing!r}; give all of them one, or none.")
    values = [index if value is None else value for index, (_, value, _) in enumerate(rows)]
    found = ClassTable(
        names=tuple(name for name, _, _ in rows), values=tuple(values), colors=() if colors[0] is None else tuple(map(int, colors))
    )
    return _checked(found, repr(str(path)))


def _checked(table: ClassTable, where: str) -> ClassTable:
    for what, items in (("name", table.names), ("value", table.values), ("colour", table.colors)):
        twice = [item for item in items if items.count(item) > 1]
        if twice:
            raise DataError(f"{where} has the {what} {twice[0]!r} for two classes; expected each once.")
    return table


def _from_json(data) -> list[tuple[str, int | None, int | None]]:
    """`["sky", …]`, `{"sky": [r, g, b]}`, `{"0": "sky"}`, `{"sky": 0}`, or a list of objects with name, id and color."""
    if isinstance(data, dict):
        inner = next(
            (data[key] for key in ("classes", "labels", "categories", "id2label", "palette") if isinstance(data.get(key), dict | list)),
            None,
        )
        if inner is not None:
            return _from_json(inner)
        return [_from_pair(key, value) for key, value in data.items()]
    return [_from_object(item) if isinstance(item, dict) else (str(item), None, None) for item in data]


def _from_pair(key: str, value) -> tuple[str, int | None, int | None]:
    if isinstance(value, dict):
        return _from_object({"name": key, **value})
    if isinstance(value, list | tuple):
        return key, None, packed(*value[:3])
    if key.lstrip("-").isdigit() and isinstance(value, str):
        return value, int(key), None
    if isinstance(value, str) and (found := COLOR.match(value)):
        return key, None, int(found[1], 16)
    return key, int(value), None


def _from_object(item: dict) -> tuple[str, int | None, int | None]:
    name = next(str(item[key]) for key in ("name", "label", "class", "title") if key in item)
    value = next((int(item[key]) for key in ("id", "value", "index") if key in item), None)
    color = next((item[key] for key in ("color", "colour", "rgb") if item.get(key) is not None), None)
    if isinstance(color, str):
        found = COLOR.match(color.strip())
        color = None if found is None else int(found[1], 16)
    elif color is not None:
        color = packed(*color[:3])
    return name, value, color


def _from_lines(text: str) -> list[tuple[str, int | None, int | None]]:
    rows = []
    for line in csv.reader(text.splitlines(), delimiter=",") if "," in text else ([line] for line in text.splitlines()):
        cells = " ".join(cell.strip() for cell in line)
        if not cells.strip() or cells.lstrip().startswith("#") and not COLOR.match(cells.split()[0]):
            continue
        color = next((int(found[1], 16) for word in cells.split() if word.startswith("#") and (found := COLOR.match(word))), None)
        words = " ".join(word for word in cells.split() if not (word.startswith("#") and COLOR.match(word)))
        numbers = [int(n) for n in NUMBERS.findall(words)]
        name = re.sub(r"\s+", " ", NUMBERS.sub(" ", words)).strip(" :;\t")
        if not numbers and set(re.split(r"\W+", name.lower())) & {"r", "g", "b", "red", "rgb", "color_rgb"}:
            continue  # a header
        if color is None and len(numbers) in (3, 4):
            color = packed(*numbers[-3:]) if max(numbers[-3:]) < 256 else None
        value = numbers[0] if len(numbers) in (1, 4) else None
        rows.append((name or f"class {value if value is not None else len(rows)}", value, color))
    bare = [value is None and color is None for _, value, color in rows]
    return rows[1:] if len(rows) > 1 and bare[0] and not any(bare[1:]) else rows  # a header names no value, where all others have one


def default_palette(count: int) -> tuple[tuple[int, int, int], ...]:
    """`count` colours that differ in hue, the first black."""
    hues = [(0.61803398875 * i) % 1.0 for i in range(count)]
    shades = [colorsys.hsv_to_rgb(hue, (0.65, 0.9, 0.45)[i % 3], (0.95, 0.75)[i % 2]) for i, hue in enumerate(hues)]
    return tuple((0, 0, 0) if i == 0 else tuple(round(255 * c) for c in shade) for i, shade in enumerate(shades))  # type: ignore[misc]
