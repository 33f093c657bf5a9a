"""The rarity of categories in the exported file, for every number of categories: the converter has patterns of its own for some."""

import keras
import numpy as np
import pytest

from applied_dl.exporting.convert import convert_here
from applied_dl.runtime.interpreter import Runtime
from applied_dl.tasks.tabular.models.typical import Rarity, rarity


@pytest.mark.parametrize("columns", [1, 2])
def test_the_file_gives_the_rarity_of_each_category_whatever_their_number(columns, tmp_path):
    sizes = range(2, 12)
    inputs = {f"codes_{size}": keras.Input((columns,), dtype="int32", name=f"codes_{size}") for size in sizes}
    tables = {size: rarity(np.arange(size), size * (size - 1) // 2) for size in sizes}
    model = keras.Model(inputs, {f"rarity_{size}": Rarity([tables[size]] * columns)(inputs[f"codes_{size}"]) for size in sizes})
    model.export(tmp_path / "m", format="tf_saved_model", verbose=False)
    known = {f"codes_{size}": np.repeat(np.arange(size, dtype=np.int32)[-3:], columns).reshape(-1, columns)[-2:] for size in sizes}
    got = Runtime(convert_here(str(tmp_path / "m"), "fp32", "")).run(known)
    for size in sizes:
        np.testing.assert_allclose(got[f"rarity_{size}"], tables[size][known[f"codes_{size}"]], rtol=1e-6)
    beyond = {name: np.full_like(codes, 99) for name, codes in known.items()}
    got = Runtime(convert_here(str(tmp_path / "m"), "fp32", "")).run(beyond)
    for size in sizes:
        np.testing.assert_allclose(got[f"rarity_{size}"], tables[size][-1], rtol=1e-6)
