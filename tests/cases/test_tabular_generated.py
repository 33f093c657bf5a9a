"""Generated tables of every kind of column, mark, style and encoding are ready for training or refused in one sentence."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import AppliedError
from applied_dl.io.tables import read_table
from applied_dl.tasks.tabular import task
from applied_dl.tasks.tabular.encoder import encode
from applied_dl.workflows import recipes
from benchmarks.tabular.odd_tables import KINDS, NUMERIC, Style, cells_of, write_table
from tests.hostile import one_sentence
from tests.tasks.tabular.tables import learned

ENOUGH = 30  # training rows


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6))
def test_any_table_is_prepared_or_refused_in_one_sentence(tmp_path, seed):
    path = write_table(tmp_path, seed)
    recipe = recipes.read_recipe({"task": "tabular", "data": {"source": str(path), "target": "target"}})
    try:
        prepared = task.prepare(recipe, None)
    except AppliedError as error:
        one_sentence(str(error))
        return
    task.resolve_defaults(recipe, prepared)
    table = read_table(path, header="guess")
    cells = encode(prepared.encoder, table)
    if len(prepared.train) >= ENOUGH:  # what was learned holds for the same cells; a dozen rows may lack the texts of the others
        assert len(cells.errors) <= 0.05 * len(table) + 1
    for part in (prepared.train, prepared.validation, prepared.test):
        assert all(len(values) == len(part) for values in part.inputs.values())
        assert not any(np.isinf(values).any() for values in part.inputs.values())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("decimal", [".", ","])
def test_each_kind_of_column_is_encoded_again_as_it_was_learned(kind, decimal):
    style = Style(decimal=decimal)
    cells = cells_of(kind, 150, np.random.default_rng(0), style)
    table = {"x": cells, "z": np.random.default_rng(1).normal(size=150), "y": np.random.default_rng(2).normal(size=150)}
    encoder, _ = learned(table, decimal=decimal)
    found = encode(encoder, read_table(table))
    assert not found.errors
    if kind in NUMERIC:
        assert np.isfinite(found.inputs["x"]).all()
