"""Arrays that are written batch by batch into a folder of the cache, and read from there as mapped files.

A folder gets its name when it is whole, so that two trainings may write the same one, and one that is killed leaves none that is half done.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from applied_dl.core.cache import remove_abandoned, trim, used

DONE = "done.json"  # written last
OWN = re.compile(r"[0-9a-f]{24}(\.\d+\.gone)?")  # names of whole folders, and of those whose removal was cut short

Form = tuple[str, tuple[int, ...]]  # the type of an array, and its shape
Writer = Callable[[Path], tuple[dict[str, Form], dict[str, Any]]]


def stored_arrays(folder: Path, write: Writer) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of a folder, written first where it is not there; the least recently used of its kind are removed.

    Args:
        folder: Its name is a digest of all that decides its content, 24 letters and digits.
        write: Called with a folder to write into; returns the forms that `append` found, and facts that JSON can hold.

    Returns:
        The arrays by name, mapped from their files, and the facts.
    """
    if not (folder / DONE).exists():
        _write(folder, write)
        trim(path for path in folder.parent.iterdir() if OWN.fullmatch(path.name))
    used(folder)
    found = json.loads((folder / DONE).read_text())
    return {name: _mapped(folder / name, *form) for name, form in found["arrays"].items()}, found["facts"]


def append(folder: Path, batches: Iterable[dict[str, np.ndarray]]) -> dict[str, Form]:
    """Write the rows of each array one batch after the other into a file of its name. Returns their forms."""
    forms: dict[str, Form] = {}
    files: dict[str, Any] = {}
    try:
        for batch in batches:
            for name, values in batch.items():
                if name not in files:
                    files[name] = open(folder / name, "wb")  # noqa: SIM115
                    forms[name] = (values.dtype.name, (0, *values.shape[1:]))
                files[name].write(np.ascontiguousarray(values).data)
                forms[name] = (forms[name][0], (forms[name][1][0] + len(values), *values.shape[1:]))
    finally:
        for file in files.values():
            file.close()  # a full disk may show only here
    return forms


def _mapped(path: Path, dtype: str, shape: Iterable[int]) -> np.ndarray:
    shape = tuple(shape)
    return np.memmap(path, dtype=dtype, mode="r", shape=shape) if 0 not in shape else np.zeros(shape, dtype)


def _write(folder: Path, write: Writer) -> None:
    """What a training left that was killed is removed by a later one."""
    work = folder.with_name(f"{folder.name}.{socket.gethostname()}.{os.getpid()}")
    remove_abandoned(folder.parent.glob(f"{folder.name}.*"))
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        forms, facts = write(work)
        (work / DONE).write_text(json.dumps({"arrays": forms, "facts": facts}))
        if not (folder / DONE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
