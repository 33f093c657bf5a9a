"""The fit engine, one for all tasks: Keras `fit` underneath, batches as a pure function of the step, exact resume.

`applied_dl.train` is both this folder and the public function that trains a recipe; calling the module calls that function.
"""

import importlib
import sys
from types import ModuleType

from applied_dl.train.history import Fitted, History, Workspace

LATER = {"fit": "engine", "Source": "source", "resident": "source"}  # these need Keras; word vectors train without it
__all__ = ["Fitted", "History", "Source", "Workspace", "fit", "resident"]


class _Callable(ModuleType):
    def __call__(self, recipe, **options):
        """Train a recipe; see `applied_dl.run.train`."""
        return importlib.import_module("applied_dl.run").train(recipe, **options)

    def __getattr__(self, name):
        if name not in LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{LATER[name]}"), name)


sys.modules[__name__].__class__ = _Callable
