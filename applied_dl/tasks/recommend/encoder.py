"""Users and items to row numbers, the same in training and prediction.

State: `encoder.json` (settings), `encoder.npz` (ids, popularity, vectors). Row 0 of every table is "none": a user who is not known, padding
after the items of a user; rows 1 … are the users and items in the order of their first event.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import msgspec
import numpy as np
from msgspec import Struct, field

from applied_dl.core.errors import DataError
from applied_dl.text.string_arrays import vocabulary_arrays, vocabulary_words

TOP = 100  # items that the graph gives


class RecommendEncoder(Struct, frozen=True, kw_only=True):
    """The ids of users and items, and how events are read.

    Args:
        explicit: values are ratings.
        columns: names of the columns of users, items, values and times in the training data; "" where there is none.
        liked: the smallest value that counts as liked; None where every event does.
        assumed: the value of an item that is given without one.
        low, high: the range of the ratings.
        users, items: ids, as texts.
        arrays: `popularity` (I + 1,), the number of users of each item; `vectors` (I + 1, D), where the model has one for each item.
        user_rows, item_rows: id → row.
    """

    explicit: bool
    columns: tuple[str, str, str, str]
    liked: float | None = None
    assumed: float = 1.0
    low: float = 0.0
    high: float = 1.0
    users: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    user_rows: dict[str, int] = field(default_factory=dict)
    item_rows: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.user_rows.update({user: i + 1 for i, user in enumerate(self.users)})
        self.item_rows.update({item: i + 1 for i, item in enumerate(self.items)})


def id_text(value: Any) -> str:
    """An id as the encoder keeps it: 17, 17.0 and " 17 " are the same user.

    Example:
        >>> id_text(17.0)
        '17'
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    if text.endswith(".0") and text[:-2].lstrip("-").isdigit():
        return text[:-2]
    return text


def save(encoder: RecommendEncoder, folder: Path) -> None:
    """Write `encoder.json` and `encoder.npz`."""
    settings = {name: getattr(encoder, name) for name in ("explicit", "columns", "liked", "assumed", "low", "high")}
    (Path(folder) / "encoder.json").write_bytes(msgspec.json.format(msgspec.json.encode(settings), indent=1))
    ids = {f"{kind}/{name}": array for kind in ("users", "items") for name, array in vocabulary_arrays(getattr(encoder, kind)).items()}
    np.savez(Path(folder) / "encoder.npz", **ids, **encoder.arrays)


def load(folder: Path) -> RecommendEncoder:
    """Read what `save` wrote. Raises `DataError` where it is damaged."""
    try:
        settings = msgspec.json.decode((Path(folder) / "encoder.json").read_bytes())
        with np.load(Path(folder) / "encoder.npz", allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        ids = {kind: vocabulary_words({name: arrays.pop(f"{kind}/{name}") for name in ("words", "ends")}) for kind in ("users", "items")}
        return RecommendEncoder(**{**settings, "columns": tuple(settings["columns"])}, **ids, arrays=arrays)
    except (OSError, ValueError, KeyError, TypeError, BadZipFile, msgspec.DecodeError) as error:
        raise DataError(f"The encoder of users and items at {str(folder)!r} cannot be read: {error}.") from error
