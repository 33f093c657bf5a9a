"""The state of a run on disk, written so that a kill at any moment leaves the last complete one: temporary folder, fsync, rename.

Keras' own `save_weights` leaves out the seed state of Dropout and of augmentation layers, so a run resumed from it differs. Here
everything that training reads goes in, as plain arrays, each file under a sha256.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from applied_dl.bundle import sha256, sync
from applied_dl.errors import RefusedError

if TYPE_CHECKING:
    import keras


def training_state(model: keras.Model) -> list:
    """Weights, optimizer slots and seed states, in a fixed order."""
    seeds = [v for layer in model._flatten_layers() for v in layer.variables if "seed_generator_state" in v.path]
    unique = list({id(v): v for v in seeds}.values())
    return [*model.weights, *model.optimizer.variables, *unique]


def write(folder: Path, epoch: int, arrays: dict[str, list[np.ndarray]], notes: dict, identity: dict) -> None:
    """Keep the state after `epoch`; the last two stay."""
    folder.mkdir(parents=True, exist_ok=True)
    final, work = folder / f"epoch-{epoch:06d}", folder / f".writing-{epoch:06d}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    np.savez(work / "state.npz", **{f"{name}.{i}": a for name, group in arrays.items() for i, a in enumerate(group)})
    sync(work / "state.npz")
    note = {"epoch": epoch, "sha256": sha256(work / "state.npz"), "identity": identity, "notes": notes}
    (work / "state.json").write_text(json.dumps(note))
    sync(work / "state.json")
    shutil.rmtree(final, ignore_errors=True)
    work.rename(final)
    sync(folder)
    for old in sorted(folder.glob("epoch-*"))[:-2]:
        shutil.rmtree(old, ignore_errors=True)


def left_behind(folder: Path) -> dict | None:
    """The note (epoch, identity) of the newest state of any net under `folder`, or None where no run was interrupted there."""
    notes = []
    for path in folder.glob("checkpoints/*/epoch-*/state.json"):
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
        except (OSError, ValueError, KeyError):
            continue
        changed = [key for key in identity if identity[key] != note["identity"].get(key)]
        if changed:
            raise RefusedError(
                f"The interrupted run at {str(folder)!r} was made with another {' and '.join(changed)}; "
                "resume with the same recipe and data, or start again without --resume."
            )
        return note["epoch"], groups, note["notes"]
    return None
