"""The findings that cost next to nothing, told during every training and kept in its bundle: rows and curves."""

from __future__ import annotations

from itertools import groupby

from applied_dl.core import console
from applied_dl.training.diagnostics.curves import check_curves
from applied_dl.training.diagnostics.data import check_data
from applied_dl.training.diagnostics.finding import Finding


def check_afterwards(prepared, settings, fitted) -> list[str]:
    """One line a finding, said on stderr too. settings: `recipe.train`. fitted: a `train.Fitted`."""
    found = check_data(prepared, settings)
    for member in fitted.extra.get("members", (fitted,)):
        found += check_histories(member.history.rows, bool(getattr(settings, "patience", 0)))
    lines = [finding.line() for finding in {finding.name: finding for finding in found}.values()]
    for line in lines:
        console.warn(line)
    return lines


def check_histories(rows: list[dict], stops: bool = False) -> list[Finding]:
    """The verdict on the curves of each member and stage by itself."""
    parts = groupby(rows, key=lambda row: (row.get("member"), row.get("stage")))
    return [finding for _, part in parts for finding in check_curves(list(part), stops=stops)]
