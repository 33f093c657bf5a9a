"""The Keras model of a bundle, with the package's own layers registered."""

from __future__ import annotations

import importlib
import os
import pkgutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from applied_dl.core import bundle, console
from applied_dl.core.errors import UsageError, missing_package

if TYPE_CHECKING:
    import keras

SHARED = ("applied_dl.layers", "applied_dl.text.models")


def load_keras(path: str | os.PathLike[str]) -> keras.Model:
    """The serving graph of a bundle as a Keras model; see `applied_dl.load_keras`."""
    manifest = bundle.open_bundle(Path(path))
    try:
        with console.hushed():
            import keras

            register_layers(manifest.task)
    except ModuleNotFoundError as error:
        raise missing_package(error) from error
    _register_hub(Path(path) / "model.keras")
    return keras.saving.load_model(Path(path) / "model.keras", compile=False)


def _register_hub(path: Path) -> None:
    """Import KerasHub where the model holds layers of it."""
    with zipfile.ZipFile(path) as file:
        needed = b"keras_hub" in file.read("config.json")
    if not needed:
        return
    try:
        with console.hushed():
            importlib.import_module("keras_hub")
    except ImportError as error:
        raise UsageError(f"{str(path)!r} holds a backbone of KerasHub: pip install 'applied_dl[hub]'; prediction needs none.") from error


def register_layers(task: str) -> None:
    """Import every module with layers that a model of `task` may hold: Keras finds a class only once it is registered."""
    for name in (*SHARED, f"applied_dl.tasks.{task}.models"):
        try:
            package = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            continue  # a task without models of its own
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(module.name)
