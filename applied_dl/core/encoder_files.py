"""Write an encoder that is plain data as `encoder.json` of a bundle, and read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from applied_dl.core.errors import DataError

FILE = "encoder.json"
Encoder = TypeVar("Encoder", bound=msgspec.Struct)


def save(encoder: msgspec.Struct, folder: Path) -> None:
    """Write `encoder.json`."""
    (Path(folder) / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(encoder), indent=1))


def read(kind: type[Encoder], folder: Path, upgrade: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> Encoder:
    """The encoder, as a struct of this type; `upgrade` maps the field names of older bundles.

    Raises `DataError` where the file is missing or damaged.
    """
    path = Path(folder) / FILE
    try:
        if upgrade is None:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        return msgspec.convert(upgrade(msgspec.json.decode(path.read_bytes(), type=dict[str, Any])), kind)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(f"The encoder {str(path)!r} cannot be read: {error}.") from error
