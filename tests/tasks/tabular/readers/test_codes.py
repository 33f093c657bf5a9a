"""Quantities whose values belong to persons or houses are numbers, whatever their rows have in common."""

import numpy as np
import pytest

from applied_dl.tasks.tabular.readers.codes import act_as_categories, is_measured
from tests.tasks.tabular.tables import learned


@pytest.mark.parametrize(
    "name",
    [
        "number_of_rooms",
        "num_rooms",
        "class_size",
        "age",
        "Year_Remod_Add",
        "schoolSES",
        "experiencek",
        "income1",
        "hours per week",
        "Größe_Höhe",
        "seats",
    ],
)
def test_names_of_quantities(name):
    assert is_measured(name)


@pytest.mark.parametrize("name", ["zip", "county", "school", "plot_id", "agent", "storeNr", "event", "sector", "Stage"])
def test_names_of_others(name):
    assert not is_measured(name)


@pytest.mark.parametrize(
    "name",
    ["area_code", "AreaCode", "store_number", "age_group_id", "rate_code", "room_no", "item_num", "cod_area", "Kostenstelle", "price zone"],
)
def test_codes_of_quantities_are_no_quantities(name):
    assert not is_measured(name)


def test_ages_of_persons_with_several_rows_are_numbers():
    random = np.random.default_rng(0)
    who = np.repeat(np.arange(60), 10)
    age, level = 18 + random.permutation(60)[who], random.normal(size=60)[who]
    y = level + random.normal(0, 0.2, 600)
    assert act_as_categories(age.astype(float), (y / y.std())[:, None])
    frame = {"age": age, "plot": age, "x": random.normal(size=600), "y": y}
    assert {c.name: c.kind for c in learned(frame)[0].columns} == {"age": "number", "plot": "category", "x": "number"}
