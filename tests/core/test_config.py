"""Recipes: partial ones work, unknown keys are named, the commented form reads back."""

import re
import tomllib

import numpy as np
import polars as pl
import pytest

from applied_dl.core import config
from applied_dl.core.errors import UsageError
from applied_dl.tasks import TASKS
from applied_dl.workflows import recipes


@pytest.mark.parametrize("task", TASKS)
def test_the_commented_recipe_reads_back_as_the_default(task, tmp_path):
    default = recipes.read_recipe(task)
    path = tmp_path / "r.toml"
    path.write_text(config.to_toml(default), encoding="utf-8")
    assert recipes.read_recipe(path) == default
    assert recipes.resolve(config.as_dict(default)) == default


@pytest.mark.parametrize("task", TASKS)
def test_every_key_is_described(task):
    lines = config.to_toml(recipes.read_recipe(task)).splitlines()
    keys = [i for i, line in enumerate(lines) if re.match(r"(# )?\w+ =", line)]
    assert len(keys) > 20
    for i in keys[1:]:  # the first is the task
        assert re.match(r"# [\w\"]", lines[i - 1]), lines[i]


def test_a_partial_recipe_takes_the_defaults_and_set_overrides_any_key(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text('task = "image"\n[train]\nepochs = 7\n')
    recipe = recipes.read_recipe(
        path, dict(config.parse_override(t) for t in ("train.epochs=3", "model.name=lenet", "data.split=[0.5,0.2,0.3]"))
    )
    assert (recipe.train.epochs, recipe.model.name, recipe.data.split) == (3, "lenet", (0.5, 0.2, 0.3))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"task": "image", "train": {"epoch": 3}}, "unknown key 'train.epoch'. Did you mean 'epochs'"),
        ({"task": "image", "trian": {}}, "unknown key 'trian'. Did you mean 'train'"),
        ({"task": "imgae"}, "Did you mean 'image'"),
        ({"train": {}}, "no key 'task'"),
        ({"task": 3}, "must be a text"),
        ({"task": "image", "train": {"epochs": "many"}}, "key train.epochs"),
        ({"task": "image", "train": 3}, "key train"),
        ({"task": "image", "model": {"dropout": 1.5}}, "key model.dropout"),
    ],
)
def test_mistakes_are_named(raw, words):
    with pytest.raises(UsageError, match=words.replace(".", r"\.")):
        recipes.read_recipe(raw)


@pytest.mark.parametrize(
    ("task", "key", "value", "today"),
    [
        ("image", "train.freeze", [3], "train.unfreeze_epochs"),
        ("image", "score.tta", True, "predict.tta"),
        ("tabular", "preprocess.numbers", "plain", "preprocess.numeric_embedding"),
        ("forecast", "data.past", ["load"], "data.past_covariates"),
        ("words", "learn.start", "svd", "learn.init"),
        ("sentences", "export.max_loss", 0.1, "export.max_metric_drop"),
    ],
)
def test_a_renamed_key_is_named_with_its_name_today(task, key, value, today):
    with pytest.raises(UsageError, match=re.escape(f"{key} was renamed {today}.")):
        recipes.read_recipe(task, {key: value})


@pytest.mark.parametrize("task", TASKS)
def test_every_line_of_a_template_can_be_uncommented_where_it_stands(task):
    default = recipes.read_recipe(task)
    text = config.to_template(default, ["train.epochs", "data.source"])
    raw = tomllib.loads(text)
    assert recipes.resolve(raw) == default
    lines = text.splitlines()
    keys = [line for line in lines if re.match(r"# [a-z_]+\.[a-z0-9_]+ = ", line)]
    assert len(keys) > 10
    for line in keys:
        raw = tomllib.loads("\n".join([*(other for other in lines if other != line), line[2:]]))
        assert recipes.resolve(raw) == default, line


def test_a_section_written_twice_is_explained(tmp_path):
    (tmp_path / "r.toml").write_text('task = "image"\n[train]\nepochs = 3\n[train]\nseed = 1\n')
    with pytest.raises(UsageError, match="written twice"):
        recipes.read_recipe(tmp_path / "r.toml")


def test_paths_arrays_and_frames_of_a_dict_become_plain_values(tmp_path):
    frame = pl.DataFrame({"a": [1.0, 2.0], "y": [0, 1]})
    recipe = recipes.read_recipe(
        {"task": "tabular", "data": {"source": frame, "test": tmp_path / "t.csv"}, "train": {"epochs": np.int64(3)}}
    )
    assert pl.read_parquet(recipe.data.source).equals(frame)
    assert recipe.data.test == str(tmp_path / "t.csv")
    assert recipe.train.epochs == 3
    assert recipes.read_recipe(recipe, {"train.seed": 7}).train.seed == 7


@pytest.mark.parametrize("text", ["train.epochs", "=3", ""])
def test_a_malformed_override_is_refused(text):
    with pytest.raises(UsageError, match="section.key=value"):
        config.parse_override(text)


def test_overriding_through_a_value_is_refused():
    with pytest.raises(UsageError, match="is a value, not a section"):
        recipes.read_recipe("image", {"task.name": 1})


def test_missing_and_broken_files(tmp_path):
    with pytest.raises(UsageError, match="no recipe at"):
        recipes.read_recipe(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("task = = 3")
    with pytest.raises(UsageError, match="not valid TOML"):
        recipes.read_recipe(tmp_path / "bad.toml")
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbftask = 'image'\n")
    assert recipes.read_recipe(tmp_path / "bom.toml").task == "image"


def test_values_keep_their_kind():
    assert config.parse_override("a.b=true") == ("a.b", True)
    assert config.parse_override("a.b=my photos/cats") == ("a.b", "my photos/cats")
    assert config.parse_override("a.b=none") == ("a.b", None)
    assert tomllib.loads(config.to_toml(recipes.read_recipe("image")))["task"] == "image"
