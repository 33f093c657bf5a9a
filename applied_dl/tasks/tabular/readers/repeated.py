"""Several rows of one person or firm: split at random, they are in training and test alike, and the scores are too good for new ones."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from applied_dl.io.cells import as_levels
from applied_dl.tasks.tabular.columns import TableEncoder

UNIT = re.compile(
    r"(^|[ _.-])(id|ids|uuid|guid|patid)$|^id[ _.-]|[a-z0-9]I[dD]$"
    r"|(^|[ _.-])(subject|patient|person|participant|respondent|proband|customer|client|user|member|household|family|pupil|student|child"
    r"|firm|company|kunde|cliente)([ _.-]?(id|no|nr|number|code))?$",
    re.IGNORECASE,
)
LEAST_UNITS = 10
LEAST_SHARE = 0.5  # of the rows that share their unit with another one
MOST_OF_ONE = 0.25  # of the rows that one unit may have


def repeated_units(frame: pl.DataFrame, encoder: TableEncoder) -> list[str]:
    """A note on columns that name persons or firms of which several rows are in the table.

    Args:
        frame: all rows, which are split at random.
        encoder: its columns are the features.
    """
    found = []
    for name in dict.fromkeys(column.name for column in encoder.columns if column.kind in ("number", "category", "text")):
        if not UNIT.search(name):
            continue
        cells = as_levels(frame[name]).drop_nulls()
        if cells.str.contains(r"^\d+[.,]\d*[1-9]$").any():  # heights of a child
            continue
        counts = cells.value_counts()["count"].to_numpy()
        if len(counts) < LEAST_UNITS or counts.max() > MOST_OF_ONE * counts.sum():
            continue
        if counts[counts > 1].sum() < LEAST_SHARE * counts.sum() or np.median(counts) < 2:
            continue
        found.append(
            f"the {counts.sum():,} rows are of {len(counts):,} different {name!r}, and rows of the same one train and test: the scores "
            f"hold for more rows of these. If new ones are to be predicted, set data.group = {name!r}"
        )
    return found
