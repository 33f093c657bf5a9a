"""What a recipe of a table leaves open is chosen by its size; unused keys are refused."""

import pytest

from applied_dl.core.errors import UsageError
from applied_dl.tasks.tabular import task
from applied_dl.tasks.tabular.defaults import member_settings
from tests.tasks.tabular.tables import prepared_with, recipe


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"train": {"loss": "crossentropy"}}, "does not fit a number"),
        ({"train": {"class_weights": "balanced"}}, "is for classes"),
        ({"preprocess": {"balance": "over"}}, "is for classes"),
        ({"calibration": {"threshold": "f1"}}, "is for classes"),
        ({"train": {"label_smoothing": 0.1}}, "does not apply to the loss"),
        ({"model": {"name": "mlp", "heads": 3}}, "model.heads has no meaning"),
        ({"model": {"name": "tabm", "memory": 99}}, "model.memory is for the net 'retrieval'"),
        ({"model": {"name": "kernel", "memory": 0}}, "is made of them; remove one"),
        ({"model": {"name": "retrieval"}, "train": {"loss": "quantile"}}, "predicts the mean of training targets"),
        ({"model": {"preset": "best", "memory": 99}, "train": {"loss": "gaussian_nll"}}, "predicts the mean of training"),
        ({"model": {"name": "retrieval"}, "train": {"snapshots": 2}}, "snapshots does not work with model.name = 'retrieval'"),
        ({"model": {"members": ["linear", "mlp"], "heads": 4}}, "model.heads has no meaning"),
        ({"model": {"name": "mlp", "members": ["mlp"]}}, "is for model.name = 'ensemble'"),
        ({"train": {"unfreeze_epochs": [1]}}, "transfer learning"),
        ({"preprocess": {"components": 2, "numeric_embedding": "periodic"}}, "principal components"),
        ({"preprocess": {"embedding": 8, "numeric_embedding": "periodic"}}, "piecewise-linear"),
        ({"preprocess": {"pairwise_bins": True, "numeric_embedding": "plain"}}, "preprocess.pairwise_bins gives bins"),
        ({"preprocess": {"pairwise_bins": True}, "model": {"members": ["linear", "realmlp"]}}, "these numbers have no bins"),
        ({"preprocess": {"bins": 20}, "model": {"name": "linear"}}, "preprocess.bins would have no effect"),
        ({"preprocess": {"embedding": 8}, "model": {"name": "linear"}}, "preprocess.embedding would have no effect"),
        ({"preprocess": {"one_hot": 3}, "data": {"ignore": ["dear", "kind"]}}, "preprocess.one_hot would have no effect"),
        ({"calibration": {"temperature": False}}, "calibration.temperature would have no effect"),
        ({"calibration": {"quantiles": [0.1, 0.5, 0.9]}}, "calibration.quantiles would have no effect"),
        ({"calibration": {"quantiles": [0.9, 0.5, 0.1]}, "train": {"loss": "quantile"}}, "must be three, rising"),
        (
            {"calibration": {"coverage": 0.8, "sets": False}, "data": {"target": "dear", "ignore": []}},
            "calibration.coverage would have no effect",
        ),
        ({"model": {"name": "trees"}, "train": {"epochs": 9}}, "train.epochs would have no effect: trees take no gradient steps"),
        ({"model": {"members": ["waves", "trees"], "dropout": 0.1}}, "model.dropout would have no effect"),
        ({"model": {"name": "tabm"}, "train": {"refit": True}}, "train.refit would have no effect: tabm are trained by gradient steps"),
        ({"model": {"preset": "best", "name": "mlp"}}, "chooses the net, and so does model.name"),
        ({"model": {"preset": "fast", "members": ["mlp", "tabm"]}}, "chooses the net, and so does model.members"),
    ],
)
def test_keys_without_effect_are_refused(table, sections, says):
    chosen = recipe(table, **sections)
    prepared = task.prepare(chosen, None)
    with pytest.raises(UsageError, match=says.replace(".", r"\.")):
        task.resolve_defaults(chosen, prepared)


def test_the_best_preset_is_more_than_the_default_of_a_small_table(table):
    plain, prepared = prepared_with(table)
    best = task.resolve_defaults(recipe(table, model={"preset": "best"}), prepared)
    assert plain.model.members == ("linear", "waves", "trees", "kernel")
    assert best.model.members == ("linear", "waves", "trees", "kernel", "tabm", "tabm", "tabm", "realmlp")
    assert (plain.train.refit, plain.train.epochs, best.train.refit) == (True, None, None)
    for resolved in (plain, best):
        assert task.resolve_defaults(resolved, prepared) == resolved


@pytest.mark.parametrize("section", [{"train": {"epochs": 9}}, {"model": {"heads": 4}}, {"preprocess": {"bins": 20}},
                                     {"train": {"loss": "huber"}}])  # fmt: skip
def test_a_recipe_that_says_how_a_net_is_trained_gets_nets(table, section):
    assert prepared_with(table, **section)[0].model.members == ("linear", "tabm", "tabm")


def test_retrieval_refuses_copies_of_rows(table):
    sections = {"data": {"target": "dear", "ignore": []}, "model": {"name": "retrieval"}, "preprocess": {"balance": "over"}}
    with pytest.raises(UsageError, match="would predict a row from its own copy"):
        prepared_with(table, **sections)


def test_members_keep_their_own_training_but_for_what_the_recipe_sets(table):
    resolved, prepared = prepared_with(
        table, model={"members": ["linear", "tabm", "realmlp", "retrieval"], "heads": 4}, train={"epochs": 7}
    )
    own = {n: member_settings(resolved, n, i, len(prepared.train), False) for i, n in enumerate(resolved.model.members)}
    assert {one.train.epochs for one in own.values()} == {7}
    assert [own[n].train.schedule for n in ("tabm", "realmlp")] == ["cosine", "coslog4"]
    assert (own["realmlp"].train.learning_rate, own["realmlp"].train.beta2, own["realmlp"].model.heads) == (0.2, 0.95, None)
    assert [own[n].preprocess.numeric_embedding for n in own] == ["plain", "target_bins", "periodic", "target_bins"]
    assert [own[n].preprocess.scale for n in own] == ["standard", "robust", "robust", "robust"]
    assert any("hold training rows" in text for text in prepared.warnings)


def test_pairs_are_for_tabm_unless_the_recipe_says_otherwise(table):
    def own(**sections):
        resolved, prepared = prepared_with(table, **sections)
        if resolved.model.name != "ensemble":
            return resolved.preprocess.pairwise_bins
        return [member_settings(resolved, n, i, 400, False).preprocess.pairwise_bins for i, n in enumerate(resolved.model.members)]

    assert [own(model={"name": name}) for name in ("tabm", "mlp", "linear")] == [True, False, False]
    assert own(model={"name": "tabm"}, preprocess={"numeric_embedding": "periodic"}) is False
    assert own(model={"name": "mlp"}, preprocess={"pairwise_bins": True}) is True
    members = {"members": ["linear", "tabm", "retrieval"]}
    assert own(model=members) == [False, True, False]
    assert own(model=members, preprocess={"pairwise_bins": True}) == [False, True, True]
    assert own(model=members, preprocess={"pairwise_bins": False}) == [False, False, False]
