"""The state of a run on disk, written so that a kill at any moment leaves the last complete one: temporary folder, fsync, rename.

Keras' own `save_weights` leaves out the seed state of Dropout and of augmentation layers, so a run resumed from it differs. Here
everything that training reads is written, as plain arrays, each file with its sha256.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

from applied_dl.core import console
from applied_dl.core.bundle import sha256
from applied_dl.core.bundle_writing import sync
from applied_dl.core.errors import RefusedError
from applied_dl.training.reproducible import versions

WRITTEN_SHARE = 33  # a checkpoint is due after this many times the seconds that the last one took: under 3% of the time
MIGHT_DIFFER = ("applied_dl", "keras", "tensorflow", "numpy")


class Store(NamedTuple):
    """Where the states of a run are kept; `identity` (recipe keys, data) must match for `resume`.

    Args:
        writes: whether this process writes: one of several that train together does.
    """

    folder: Path
    identity: dict[str, str]
    resume: bool = False
    writes: bool = True


class Keeper:
    """The checkpoints of one training: read where a run is resumed, written where one is due. A full disk costs a checkpoint, no more.

    Args:
        store: None keeps nothing.
        tag: the name of this training in the store.
        minutes: between two checkpoints; more where writing one takes long.
        unit: what is counted, for the messages.
    """

    def __init__(self, store: Store | None, tag: str, minutes: float, unit: str = "epochs"):
        self.store, self.minutes, self.unit = store, minutes, unit
        self.folder = store.folder / "checkpoints" / tag if store else None
        self.last, self.seconds = time.perf_counter(), 0.0

    def read(self) -> tuple[int, dict[str, list[np.ndarray]], dict] | None:
        """How much was done, arrays and notes of the newest state, where this run resumes one."""
        found = read(self.folder, self.store.identity) if self.store and self.store.resume else None
        if found is not None:
            console.say("resume", f"{self.folder.name}: {found[0]} {self.unit} were done")
        return found

    def due(self, last: bool) -> bool:
        """Whether a state is to be written now; the `last` one always is."""
        waited = time.perf_counter() - self.last
        return self.folder is not None and self.store.writes and (last or waited >= max(60 * self.minutes, WRITTEN_SHARE * self.seconds))

    def write(self, done: int, arrays: dict[str, list], notes: dict) -> None:
        """Write the state after `done` epochs (or parts of them)."""
        start = time.perf_counter()
        try:
            write(self.folder, done, arrays, notes, self.store.identity)
        except OSError as error:  # a full disk must not end a training that needs it only at its end
            console.warn(f"no checkpoint was written at {str(self.folder)!r}: {error.strerror or error}; training goes on")
        self.last = time.perf_counter()
        self.seconds = self.last - start


def write(folder: Path, epoch: int, arrays: dict[str, list[np.ndarray]], notes: dict, identity: dict) -> None:
    """Write the state after `epoch`; the last two stay."""
    folder.mkdir(parents=True, exist_ok=True)
    final, work = folder / f"epoch-{epoch:06d}", folder / f".writing-{epoch:06d}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    np.savez(work / "state.npz", **{f"{name}.{i}": a for name, group in arrays.items() for i, a in enumerate(group)})
    sync(work / "state.npz")
    note = {"epoch": epoch, "sha256": sha256(work / "state.npz"), "identity": identity, "versions": versions(), "notes": notes}
    (work / "state.json").write_text(json.dumps(note))
    sync(work / "state.json")
    shutil.rmtree(final, ignore_errors=True)
    work.rename(final)
    sync(folder)
    for old in sorted(folder.glob("epoch-*"))[:-2]:
        shutil.rmtree(old, ignore_errors=True)


def left_behind(folder: Path) -> dict | None:
    """The notes (epoch, identity) of the newest state under `folder`, or None where no run was interrupted there."""
    notes = []
    for path in folder.glob("**/checkpoints/*/epoch-*/state.json"):
        try:
            notes.append((path.stat().st_mtime, json.loads(path.read_text())))
        except (OSError, ValueError):
            continue
    return max(notes, key=lambda pair: pair[0])[1] if notes else None


def read(folder: Path, identity: dict) -> tuple[int, dict[str, list[np.ndarray]], dict] | None:
    """The newest complete state, or None; refuses one that belongs to another recipe or other data."""
    for path in sorted(folder.glob("epoch-*"), reverse=True):
        try:
            note = json.loads((path / "state.json").read_text())
            if sha256(path / "state.npz") != note["sha256"]:
                continue
            with np.load(path / "state.npz", allow_pickle=False) as file:
                names = sorted(file.files, key=lambda n: (n.split(".")[0], int(n.split(".")[1])))
                groups: dict[str, list[np.ndarray]] = {}
                for name in names:
                    groups.setdefault(name.split(".")[0], []).append(file[name])
        except (OSError, ValueError, KeyError, BadZipFile):
            continue
        changed = [key for key in identity if identity[key] != note["identity"].get(key)]
        if changed:
            raise RefusedError(
                f"The interrupted run at {str(folder)!r} was started with another {' and '.join(changed)}; "
                "resume with the same recipe and data, or start again without --resume."
            )
        now, then = versions(), note.get("versions", {})
        if other := [f"{name} {then[name]}, now {now.get(name)}" for name in MIGHT_DIFFER if name in then and then[name] != now.get(name)]:
            console.warn(f"the interrupted run was started with {'; '.join(other)}: its result may differ in the last digits")
        return note["epoch"], groups, note["notes"]
    return None
