"""The fit engine, one for all tasks: Keras `fit` underneath, batches as a pure function of the step, exact resume."""

from applied_dl.train.engine import Fitted, History, Workspace, fit
from applied_dl.train.source import Source, resident

__all__ = ["Fitted", "History", "Source", "Workspace", "fit", "resident"]
