"""The bundles that a server answers with: loaded, described by their real tensors, and replaced when their folder changes."""

from __future__ import annotations

import hashlib
import inspect
import time
from pathlib import Path
from typing import Any

import numpy as np

from applied_dl.core import console
from applied_dl.core.bundle import MANIFEST
from applied_dl.core.errors import AppliedError
from applied_dl.predictor import Predictor, load
from applied_dl.serving.refusal import Refusal
from applied_dl.serving.tensors import datatype_of

PLATFORM = "tflite_litert"
ANSWERS = "predictions"  # the output of raw inputs: one JSON object for each input
VERSION_LENGTH = 12
QUICK_SECONDS = 5e-4  # of one row, below which a small request of tensors is answered without a thread


class Model:
    """One loaded bundle.

    Args:
        name: under which it is served.
        folder: of the bundle.
        version: of its content, from `version_of`.

    Raises:
        AppliedError: the bundle is damaged.
    """

    def __init__(self, name: str, folder: Path, version: str):
        self.name, self.version = name, version
        self.predictor: Predictor = load(folder, threads=1)  # requests run beside each other instead
        self.kind: str = self.predictor.task_module.INPUT
        self.raw_inputs: list[tuple[str, str]] = self.predictor.task_module.raw_inputs(self.predictor.encoder)
        self.raw_names = [name for name, _ in self.raw_inputs]
        self.options = _option_types(self.predictor)
        self.metadata = self._describe()

    def _describe(self) -> dict[str, Any]:
        """Its metadata in the form of the protocol, with the raw inputs besides. Runs the graph twice, which also warms and times it."""
        details = self.predictor.runtime.inputs.items()
        shapes = {name: [int(size) for size in detail["shape_signature"]] for name, detail in details}
        zeros = {name: np.zeros([abs(size) for size in shapes[name]], detail["dtype"]) for name, detail in details}
        found = self.predictor.run(zeros)
        start = time.perf_counter()
        self.predictor.run(zeros)
        fixed = all(size != -1 for shape in shapes.values() for size in shape[1:])  # a long text takes longer than the one timed here
        self.quick = fixed and time.perf_counter() - start < QUICK_SECONDS
        return {
            "name": self.name,
            "versions": [self.version],
            "platform": PLATFORM,
            "inputs": [
                {"name": name, "datatype": datatype_of(detail["dtype"]), "shape": [-1, *shapes[name][1:]]} for name, detail in details
            ],
            "outputs": [
                {"name": name, "datatype": datatype_of(array.dtype), "shape": [-1, *array.shape[1:]]} for name, array in found.items()
            ],
            "parameters": {"task": self.predictor.task, "variant": self.predictor.variant, "options": ", ".join(self.options)},
            "raw_inputs": [{"name": name, "datatype": datatype, "shape": [-1]} for name, datatype in self.raw_inputs],
            "raw_outputs": [{"name": ANSWERS, "datatype": "BYTES", "shape": [-1]}],
        }


class Repository:
    """The models of a server by name. `reload` swaps one for its changed bundle; a request keeps the model that it began with.

    Args:
        folders: of the bundles, by name of the model.
    """

    def __init__(self, folders: dict[str, Path]):
        self.folders = folders
        self.models: dict[str, Model] = {}
        self._stamps: dict[str, tuple[int, ...]] = {}
        self._refused: dict[str, str] = {}

    def load(self) -> None:
        """Load every bundle. Raises `AppliedError` where one is damaged."""
        for name, folder in self.folders.items():
            self._stamps[name] = _stamp(folder)
            self.models[name] = Model(name, folder, version_of(folder))

    def get(self, name: str, version: str | None = None) -> Model:
        """The model of this name. Raises `Refusal` 404 where there is none, or another version is asked for."""
        model = self.models.get(name)
        if model is None:
            raise Refusal(404, f"There is no model {name[:80]!r}; the models are {', '.join(self.models)}.")
        if version is not None and version != model.version:
            raise Refusal(404, f"The model {name!r} has no version {version[:80]!r}; its version is {model.version!r}.")
        return model

    def reload(self) -> list[str]:
        """Replace the models whose bundles changed, and return their names.

        A bundle that is damaged, or not yet whole, is tried again at each call; the model before it answers meanwhile.
        """
        changed = []
        for name, folder in self.folders.items():
            stamp = _stamp(folder)
            if not stamp or stamp == self._stamps[name]:
                continue
            try:
                version = version_of(folder)
                if version != self.models[name].version:
                    self.models[name] = Model(name, folder, version)
                    changed.append(name)
                self._stamps[name] = stamp
                self._refused.pop(name, None)
            except (AppliedError, OSError) as error:
                if self._refused.get(name) != str(error):
                    console.warn(f"the changed bundle of {name!r} is not served: {error}")
                self._refused[name] = str(error)
        return changed


def version_of(folder: Path) -> str:
    """The first characters of the sha256 of a bundle's manifest, which names the content of all its files."""
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()[:VERSION_LENGTH]


def _option_types(predictor: Predictor) -> dict[str, type]:
    """The options of `predict`, each a whole number or a truth value."""
    parameters = inspect.signature(predictor.task_module.postprocess).parameters
    return {name: bool if "bool" in str(parameters[name].annotation) else int for name in predictor.options}


def _stamp(folder: Path) -> tuple[int, ...]:
    """What changes when a bundle is replaced: empty where it has no manifest now."""
    try:
        about = (folder / MANIFEST).stat()
    except OSError:
        return ()
    return about.st_mtime_ns, about.st_size, about.st_ino
