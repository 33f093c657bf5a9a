"""What the tests of tables share: a recipe on a file, the columns learned of a frame, and a resolved recipe with its prepared rows."""

import numpy as np
import polars as pl
from msgspec.structs import replace

from applied_dl.core import config
from applied_dl.io.identifiers import row_numbers
from applied_dl.io.tables import read_table
from applied_dl.tasks.tabular import task
from applied_dl.tasks.tabular.columns import TableEncoder
from applied_dl.tasks.tabular.encoder import read_targets
from applied_dl.tasks.tabular.readers.columns import learn_columns
from applied_dl.tasks.tabular.readers.target import learn_target
from applied_dl.tasks.tabular.readers.truth import training_targets
from applied_dl.workflows import recipes


def learned(frame, target="y", **keys):
    """The encoder of a frame, all of whose rows are for training, and the notes."""
    table = read_table(frame)
    data = config.replace(recipes.read_recipe("tabular"), data=keys).data
    found, _ = learn_target(table.frame[target], data.kind, data.decimal or table.decimal)
    truth = read_targets(TableEncoder(columns=(), targets=(found,), decimal=data.decimal or table.decimal), table)
    y, codes = training_targets(truth, (found,))
    return learn_columns(table, np.arange(len(table)), data, (found,), row_numbers(table), y, codes)[:2]


def recipe(table, **sections):
    data = {"source": str(table), "target": "price", "ignore": ["dear"]} | sections.pop("data", {})
    return recipes.read_recipe({"task": "tabular", "data": data, **sections})


def prepared_with(table, **sections):
    chosen = recipe(table, **sections)
    prepared = task.prepare(chosen, None)
    return task.resolve_defaults(chosen, prepared), prepared


def prepare(frame, target: str | list[str] = "y", **data):
    """A frame as the task understands it, by the recipe's keys of `data`."""
    chosen = recipes.read_recipe({"task": "tabular", "data": {"target": target, **data}})
    return task.prepare(replace(chosen, data=replace(chosen.data, source=pl.DataFrame(frame))), None)


def kinds(prepared) -> dict[str, str]:
    """What each column of a prepared table was taken for."""
    return {column.name: column.kind for column in prepared.encoder.columns}
