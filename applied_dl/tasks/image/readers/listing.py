"""What a source lists: images by path or as arrays, with their labels or numbers; nothing is decoded yet."""

from __future__ import annotations

from msgspec import Struct, field, structs

NAMES = ("train", "validation", "test")


class Listing(Struct, frozen=True, kw_only=True):
    """Images of one part.

    Attributes:
        items: paths, or arrays (H, W, C).
        labels: the labels of each image; one each, unless `several`.
        numbers: the number of each image, for regression; `labels` is empty then.
        several: an image may have several labels.
        order: the order of the classes, where the source fixes it.
        groups: the group of each image, where there are groups.
        target: name of the label column.
        separator: what separated several labels in a cell.
        warnings: what the user should know.
    """

    items: list
    labels: list[tuple[str, ...]] = field(default_factory=list)
    numbers: list[float] | None = None
    several: bool = False
    order: tuple[str, ...] = ()
    groups: list[str] | None = None
    target: str = ""
    separator: str = ""
    warnings: list[str] = field(default_factory=list)


class Options(Struct, frozen=True, kw_only=True):
    """How the labels and groups of a source are found: the keys of the same names of `[data]`; None is found by the data."""

    target: str | tuple[str, ...] | None = None
    kind: str | None = None
    path: str | None = None
    label_separator: str | None = None
    label_pattern: str | None = None
    group: str | None = None
    manual_dir: str | None = None


def options_of(data) -> Options:
    """The options of a recipe's `[data]` section."""
    return Options(**{name: getattr(data, name) for name in Options.__struct_fields__})


def as_learned(options: Options, train: Listing) -> Options:
    """The options by which other parts are read as the training part was."""
    kind = "regression" if train.numbers is not None else "multi_label" if train.several else "classification"
    separator = train.separator or None
    return structs.replace(options, kind=kind, target=options.target or train.target or None, label_separator=separator)
