"""The space of a search is checked before anything is trained."""

import pytest

from applied_dl.core.errors import UsageError
from applied_dl.workflows import recipes
from applied_dl.workflows.search_space import read_space


@pytest.mark.parametrize(
    ("space", "word"),
    [
        ({}, "no search space"),
        ({"train.learning_rate": {"low": 1.0}}, "low < high"),
        ({"train.learning_rate": {"low": 0.0, "high": 1.0, "log": True}}, "above 0"),
        ({"train.learning_rate": {"lo": 1.0}}, "lo"),
        ({"train.lerning_rate": {"low": 0.1, "high": 1.0}}, "learning_rate"),
        ({"model.dropout": {"choices": [2.0]}}, "dropout"),
    ],
)
def test_a_space_that_cannot_be_searched_is_a_sentence(space, word):
    with pytest.raises(UsageError, match=word):
        read_space(recipes.read_recipe({"task": "image", "tune": {"space": space}}))
