"""The doctor: checks of data, start, gradients, units, step size and curves, each with its number and its remedy."""

from applied_dl.training.diagnostics.activations import check_activations
from applied_dl.training.diagnostics.afterwards import check_afterwards, check_histories
from applied_dl.training.diagnostics.case import Case
from applied_dl.training.diagnostics.data import check_data
from applied_dl.training.diagnostics.examine import Diagnoser, examine
from applied_dl.training.diagnostics.finding import Finding

__all__ = ["Case", "Diagnoser", "Finding", "check_activations", "check_afterwards", "check_data", "check_histories", "examine"]
