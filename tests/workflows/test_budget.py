"""`export.budget`: smaller models are tried until a file fits, the best on validation rows is kept, and an impossible budget is refused."""

import pytest

import applied_dl
from applied_dl.core import limits
from applied_dl.core.errors import RefusedError, UsageError
from applied_dl.tasks import TASKS, load_task
from applied_dl.workflows import budget, recipes
from applied_dl.workflows.preparation import read_data, resolve_recipe

SMALL = {"train": {"epochs": 40}, "model": {"name": "mlp"}}


@pytest.mark.parametrize("name", TASKS)
def test_every_task_offers_smaller_models_the_largest_first(name):
    task, asked = load_task(name), recipes.read_recipe(name)
    prepared = read_data(task, asked)
    sizes = budget.sizes_of(task, asked, resolve_recipe(task, asked, prepared), prepared)
    assert len(sizes) >= 3
    weights = [task.build(size.recipe, prepared).count_params() for size in sizes[1:]]
    assert weights == sorted(weights, reverse=True)
    assert name in ("forecast", "recommend") or weights[-1] < weights[0] / 3  # closed forms are small; events stay


def test_keys_that_the_user_set_stay():
    task, asked = load_task("tabular"), recipes.read_recipe("tabular", {"model.name": "mlp", "model.width": 48})
    assert not any("model.width" in changes or "model.name" in changes for changes in task.smaller_models(asked, None))
    asked = recipes.read_recipe("tabular", {"model.name": "mlp"})
    assert all("model.name" not in changes and "model.width" in changes for changes in task.smaller_models(asked, None))


@pytest.mark.slow
def test_a_model_within_the_budget_is_found_and_shown(tmp_path):
    export = {"budget": "20 kB, 50 ms", "formats": ["tflite"], "variants": ["fp32", "dynamic"]}
    run = applied_dl.train("tabular", out=tmp_path / "b", export=export, **SMALL)
    chosen, found = run.manifest.chosen, run.manifest.facts["budget"]
    assert chosen.bytes <= 20e3
    assert run.manifest.recipe["model"]["width"] < 256
    scores = [row["validation rmse"] for row in found["tried"]]
    assert next(row for row in found["tried"] if row["model"] == found["chosen"])["validation rmse"] == min(scores)
    assert f"It keeps to the budget of 20 kB, 50 ms: {found['chosen']}" in (run.bundle / "README.md").read_text().replace("\\_", "_")
    assert not list(tmp_path.glob(".*"))


def test_an_impossible_budget_names_the_nearest(tmp_path):
    export = {"budget": "300 b", "variants": ["dynamic"]}
    with pytest.raises(
        RefusedError, match=r"'300 b': the nearest has [0-9.]+ kB, [0-9.]+ ms as dynamic \(model.width = 8, .*\); raise the budget"
    ):
        applied_dl.train("tabular", out=tmp_path / "b", export=export, **SMALL)
    assert not (tmp_path / "b").exists()


def test_what_is_no_budget_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(UsageError, match=r'export\.budget expects .* "50 kB, 1 ms"'):
        applied_dl.train("tabular", out=tmp_path / "b", data={"source": "nowhere.csv"}, export={"budget": "small"})


def test_the_excess_of_a_file_is_the_worse_of_size_and_time():
    files = budget._files({"fp32": b"x" * 200, "dynamic": b"x" * 50}, {"fp32": {"latency_ms": 1.0}, "dynamic": {"latency_ms": 6.0}},
                          limits.Budget(bytes=100, ms=2))  # fmt: skip
    assert {file.variant: file.excess for file in files} == {"fp32": 2.0, "dynamic": 3.0}
