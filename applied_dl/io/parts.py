"""How folders and columns name the parts of a split: training, validation, test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

PARTS = {
    **dict.fromkeys(("train", "training", "trainset", "train_set", "train_images", "images_train",
                     "entrenamiento", "treino", "entrainement", "entraînement", "addestramento"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "validate", "val_set", "valset", "validation_set", "val_images",
                     "validierung", "validacion", "validación", "validacao", "validação", "validazione"), "validation"),
    **dict.fromkeys(("test", "testing", "testset", "test_set", "test_images", "images_test", "eval", "holdout", "prueba", "teste"), "test"),
}  # fmt: skip
FILLERS = ("set", "data", "dataset", "images", "image", "imgs", "img", "samples", "part", "split", "folder")  # words beside that of a part
COLUMNS = ("split", "set", "subset", "partition", "part", "dataset", "datasplit", "datasettype", "fold", "usage", "phase")


def part_of(name: str) -> str | None:
    """The part (train, validation or test) that the name of a folder or a cell means, also with a number or a word such as set or data.

    Example:
        >>> part_of("trainingSet"), part_of("Test data"), part_of("val2017"), part_of("cat")
        ('train', 'test', 'validation', None)
    """
    words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    meant = [word for word in words if word not in FILLERS]
    return PARTS.get("_".join(words)) or (PARTS.get(meant[0]) if len(meant) == 1 else None)


def part_in(name: str) -> str | None:
    """The part that a word of the name of a file or folder means; None where no word does, or two mean different parts.

    Example:
        >>> part_in("train-00000-of-00001"), part_in("20news-bydate-test"), part_in("contest")
        ('train', 'test', None)
    """
    found = {part for word in (name, *re.split(r"[\W\d_]+", name)) if (part := part_of(word))}
    return found.pop() if len(found) == 1 else None


def part_column(names: Iterable[str], cells: Callable[[str], Iterable[object]]) -> str | None:
    """The column that says which part each row belongs to: by its name, and cells that name the training part and another one.

    Args:
        names: of the columns that may be it.
        cells: reads a column by its name; called for few of them, as tables are large.

    Example:
        >>> part_column(["x", "split"], {"x": ["train", "test"], "split": ["train", "dev", None]}.get)
        'split'
    """
    return next((name for name in names if re.sub(r"[\W_]+", "", name.lower()) in COLUMNS and _name_parts(cells(name))), None)


def _name_parts(cells: Iterable[object]) -> bool:
    parts = {part_of(str(cell)) for cell in cells if cell is not None and str(cell).strip()}
    return None not in parts and "train" in parts and len(parts) > 1
