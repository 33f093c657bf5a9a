"""A data set larger than memory: a sample that is prepared as any other, and all of its training rows on disk beside it."""

from __future__ import annotations

from collections.abc import Sized

from msgspec.structs import replace

from applied_dl.core.fingerprint import fingerprint
from applied_dl.core.records import Prepared


def with_stored(prepared: Prepared, rows: int, stored: Sized, learned: str, sample_rows: int, notes: list[str]) -> Prepared:
    """The prepared sample, with all training rows.

    Args:
        prepared: The sample; its state has a field `stored`.
        rows: How many the file has.
        stored: The training rows on disk.
        learned: What is learned from the sample alone, such as "columns, levels and bins".
        sample_rows: `data.sample_rows`.
        notes: For the user, of all rows.
    """
    read = f"{rows:,} rows, {len(stored):,} of them for training"
    sample = f"{learned} are learned from {len(prepared.train):,} of them (data.sample_rows = {sample_rows:,})"
    summary = f"{read}; {sample}; of the sample: {prepared.facts['summary']}"
    return replace(
        prepared,
        fingerprint=fingerprint(prepared.fingerprint, str(len(stored))),
        facts={**prepared.facts, "rows": rows, "training_rows": len(stored), "summary": summary},
        warnings=prepared.warnings + notes,
        state=replace(prepared.state, stored=stored),
    )
