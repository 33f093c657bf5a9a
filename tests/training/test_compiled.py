"""Compiled functions give what Python gives, with and without a folder for what was compiled."""

import numpy as np
import pytest

from applied_dl.training import compiled as module


def total(values):
    found = 0.0
    for value in values:
        found += value
    return found


@pytest.mark.parametrize("how", [module.compiled, module.compiled_freely])
def test_a_compiled_sum_is_that_of_python(how):
    values = np.random.default_rng(0).normal(size=1000)
    found = how(total)(values)
    assert found == pytest.approx(total(values), rel=1e-12)
    assert how is module.compiled_freely or found == total(values)  # in the same order, the same bits


@pytest.mark.parametrize("how", [module.compiled, module.compiled_freely])
def test_a_place_that_cannot_be_written_costs_a_compilation_and_no_more(monkeypatch, how):
    def no_place(cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(module, "njit", no_place)
    assert how(abs)(-3) == 3
