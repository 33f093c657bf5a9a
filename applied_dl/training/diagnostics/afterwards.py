"""The findings that cost next to nothing, reported by every training and kept in its bundle: rows and curves."""

from __future__ import annotations

from itertools import groupby

from applied_dl.core import console
from applied_dl.core.records import Fitted, Prepared
from applied_dl.training.diagnostics.adversarial import check_adversarial
from applied_dl.training.diagnostics.curves import check_curves
from applied_dl.training.diagnostics.data import check_data
from applied_dl.training.diagnostics.finding import Finding


def check_afterwards(prepared: Prepared, fitted: Fitted, *, stops: bool, weighted: bool, epochs: bool = True) -> list[str]:
    """One line per finding, shown on stderr too.

    Args:
        prepared: the rows.
        fitted: the trained model; of an ensemble every member's curves are checked.
        stops: whether training ends by itself once validation gets no better (`train.patience`).
        weighted: whether rare classes have larger weights (`train.class_weights`).
        epochs: whether validation rows choose the best epoch.
    """
    found = check_data(prepared, weighted=weighted, epochs=epochs)
    for member in fitted.extra.get("members", (fitted,)):
        found += check_histories(member.history.rows, stops)
    lines = [finding.line() for finding in {finding.name: finding for finding in found}.values()]
    for line in lines:
        console.warn(line)
    return lines


def check_histories(rows: list[dict], stops: bool = False) -> list[Finding]:
    """The findings on the curves of each member and stage by itself. A later stage begins with what the first one learned, so that its
    loss may stay where it is."""
    if rows and "critic_wins" in rows[0]:
        return check_adversarial(rows)
    found = []
    for _, member in groupby(rows, key=lambda row: row.get("member")):
        for place, (_, part) in enumerate(groupby(member, key=lambda row: row.get("stage"))):
            found += [finding for finding in check_curves(list(part), stops=stops) if not place or finding.name != "loss_never_moved"]
    return found
