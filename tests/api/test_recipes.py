"""The functions of a recipe: what they take besides one, and what they refuse."""

import pytest

import applied_dl
from applied_dl.core.errors import AppliedError, UsageError


def test_wrong_options_are_refused(trained):
    with pytest.raises(UsageError, match="overrides are for a recipe"):
        applied_dl.diagnose(trained("tabular").bundle, overrides={"train.epochs": 1})
    with pytest.raises(TypeError, match="epochs"):
        applied_dl.train("image", epochs=3)


def test_inspect_takes_a_recipe_in_every_form_and_a_bundle(trained, tmp_path):
    bundle = trained("tabular").bundle
    found = applied_dl.inspect(bundle, out=tmp_path / "page.html")
    assert found["task"] == "tabular"
    assert found["columns"]
    assert (tmp_path / "page.html").exists()
    recipe = applied_dl.load(bundle).manifest.recipe
    assert applied_dl.inspect(recipe) | {"page": found["page"]} == found
    other = applied_dl.inspect(bundle, overrides={"data.split": (0.5, 0.25, 0.25)})
    assert other["parts"]["train"] < found["parts"]["train"]
    with pytest.raises(AppliedError, match="is not a bundle"):
        applied_dl.inspect(tmp_path)
