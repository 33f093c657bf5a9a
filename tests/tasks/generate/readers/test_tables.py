"""Rows of a file that are no examples are left out of training and of scoring, and the user sees which."""

import numpy as np
import polars as pl

from applied_dl.tasks.generate.readers.tables import prepare_table, read_part
from applied_dl.workflows.recipes import read_recipe


def test_totals_are_left_out_with_a_note(tmp_path):
    random = np.random.default_rng(0)
    shops, sold = [("north", "south", "east")[i % 3] for i in range(60)], random.integers(10, 99, 60)
    frame = pl.DataFrame({"shop": [*shops, "Total"], "sold": [*sold, sold.sum()], "paid": [*(2 * sold), 2 * sold.sum()]})
    frame.write_csv(tmp_path / "a.csv")
    recipe = read_recipe({"task": "generate", "data": {"source": str(tmp_path / "a.csv")}})
    prepared = prepare_table(recipe)
    assert prepared.facts["rows"] == 60
    assert sum("row of totals ('Total') and is left out" in note for note in prepared.warnings) == 1
    scored = read_part(prepared.encoder.form, str(tmp_path / "a.csv"), recipe.data)
    assert len(scored) == 60
    assert sum("row of totals ('Total') and is left out" in note for note in scored.warnings) == 1
