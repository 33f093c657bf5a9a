"""Small recommenders of every kind through training, export and prediction."""

import json

import numpy as np
import polars as pl
import pytest

import applied_dl
from applied_dl import cli
from applied_dl.core.errors import AppliedError, UsageError
from applied_dl.tasks.recommend.readers.builtin import built_in
from tests.hostile import one_sentence

QUICK = {"export": {"formats": ["tflite"], "variants": ["fp32"]}}
MODELS = {
    "ials": {"model": {"name": "ials", "dimensions": 8, "regularization": 20.0}, "train": {"epochs": 3}},
    "item_knn": {"model": {"name": "item_knn"}},
    "svdpp": {"data": {"source": "stars"}, "model": {"name": "svdpp", "dimensions": 4}, "train": {"epochs": 6}},
    "biased_mf": {"data": {"source": "stars"}, "model": {"dimensions": 4}, "learn": {"samples": 4}, "train": {"epochs": 12}},
    "two_tower": {"model": {"name": "two_tower", "dimensions": 16, "hidden": [16]}, "train": {"epochs": 2}},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """`made(model)`: a small bundle of it, trained once."""
    done = {}

    def get(name):
        if name not in done:
            folder = tmp_path_factory.mktemp(name) / name
            done[name] = applied_dl.train({"task": "recommend"}, out=folder, **QUICK, **MODELS[name])
        return done[name]

    return get


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in ("svdpp", "two_tower") else []) for name in MODELS]
)
def test_every_model_is_better_than_the_simplest_baseline(name, made):
    manifest = made(name).manifest
    value = manifest.metrics["test"][manifest.main]
    if manifest.main == "rmse":
        assert value < manifest.baselines["mean rating"]["rmse"]
    else:
        assert value > manifest.baselines["random items"]["ndcg_at_10"]
    fp32 = next(one for one in manifest.exports if one.variant == "fp32")
    assert not fp32.refused
    assert abs(fp32.metric_drop) < 1e-3


@pytest.mark.parametrize("name", ["ials", "item_knn", "biased_mf"])
def test_a_known_user_never_gets_what_they_had_and_a_new_one_is_answered(name, made):
    predictor = made(name).predictor()
    events = built_in("stars" if name == "biased_mf" else "tastes")
    had = [item for user, item in zip(events["user"], events["item"]) if user == "user17"]
    known, new = predictor.predict(["user17", {"items": had}], top=100)
    assert not set(had) & {one["item"] for one in known["items"]}
    assert not set(had) & {one["item"] for one in new["items"]}
    assert known["user"] == "user17"
    assert new["user"] is None
    if name != "biased_mf":  # by id and by items a user is the same; values are not given
        assert [one["item"] for one in known["items"]] == [one["item"] for one in new["items"]]
    scores = [one["score"] for one in known["items"]]
    assert scores == sorted(scores, reverse=True)


def test_the_rating_of_an_item_is_asked_by_user_and_item(made):
    predictor = made("biased_mf").predictor()
    (found,) = predictor.predict([{"user": "user17", "item": "jazz 01"}])
    assert set(found) == {"user", "item", "score"}
    assert 1 <= found["score"] <= 5
    high, low = predictor.predict([{"items": ["jazz 01", "jazz 02"], "values": v, "item": "jazz 03"} for v in ([5, 5], [1, 1])])
    assert high["score"] > low["score"]


def test_similar_items_are_of_the_same_style(made, capsys):
    for name in ("ials", "item_knn"):
        (found,) = made(name).predictor().predict([{"similar": "opera 02"}], top=5)
        assert found["similar"] == "opera 02"
        assert sum(one["item"].startswith("opera") for one in found["items"]) >= 3
    assert cli.main(["predict", str(made("ials").bundle), "--similar", "opera 02", "--top", "2", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["predictions"][0]["items"]) == 2


def test_a_table_of_users_is_answered_row_by_row(made, tmp_path):
    pl.DataFrame({"user": ["user1", "nobody", "user2"], "note": [1, 2, 3]}).write_csv(tmp_path / "u.csv", separator=";")
    out = tmp_path / "out.csv"
    assert cli.main(["predict", str(made("ials").bundle), str(tmp_path / "u.csv"), "--out", str(out), "--quiet"]) == 3
    rows = pl.read_csv(out)
    assert rows["user"].to_list() == ["user1", "nobody", "user2"]
    assert [error is None for error in rows["error"]] == [True, False, True]
    assert "nobody" in rows["error"][1]
    items = pl.DataFrame({"items": ["jazz 01|jazz 02", '["jazz 01", "opera 03"]', "jazz 01"]})
    assert len(made("ials").predictor().predict(items)) == 3


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("nobody", "none of the 600 users"), ("user 17", "Did you mean 'user17'"),
        ("jazz 01", "is an item"), ({"items": []}, "names neither"),
        ({"items": ["x", "y"]}, "None of the 2 items"), ({"items": ["jazz 01"], "values": [1, 2]}, "for 1 items"), ({}, "names neither"),
        ({"items": ["jazz 01"], "values": ["good"]}, "must be numbers"), ({"items": ["jazz 01"], "values": [float("inf")]}, "finite"),
        ({"user": "user1", "item": "jaz 01"}, "Did you mean 'jazz 01'"), ({"similar": "nothing like it"}, "none of the 240 items"),
        ({"users": "user1"}, "no key of a question"), (None, "names neither"), ({"items": ["jazz 01"] * 10_001}, "at most 10,000"),
        ({"items": "[1,"}, "not valid JSON"), (float("nan"), "none of the 600 users"), (b"\xff", "none of the 600 users"),
    ],
)  # fmt: skip
def test_questions_that_cannot_be_answered_get_one_sentence_in_their_place(question, words, made):
    found = made("item_knn").predictor().predict([question, "user1"])
    one_sentence(found[0]["error"], (words,))
    assert len(found[1]["items"]) == 10


def test_unknown_items_beside_known_ones_are_reported_and_duplicates_count_once(made):
    predictor = made("item_knn").predictor()
    found = predictor.predict([{"items": ["jazz 01", "not one", "jazz 01"]}, {"items": ["jazz 01"]}])
    assert "1 item is not among" in predictor.warnings[0]
    assert found[0]["items"] == found[1]["items"]
    with pytest.raises(UsageError, match="top"):
        predictor.predict(["user1"], top=0)
    (odd,) = made("biased_mf").predictor().predict([{"items": {"jazz 01": 500}}])
    assert "lies outside of 1 to 5" in odd["error"]
    with pytest.raises(UsageError, match="top is at most 100"):
        predictor.predict(["user1"], top=101)


def test_an_explanation_of_linear_similarities_is_their_sum(made, tmp_path):
    predictor = made("item_knn").predictor()
    result = applied_dl.explain(made("item_knn").bundle, [{"items": ["jazz 01", "jazz 02", "opera 03"]}, "user17"])
    first, second = result["explanations"]
    matrix = made("item_knn").model.get_layer("scores").get_weights()[0]
    best = predictor.predict([{"items": ["jazz 01", "jazz 02", "opera 03"]}], top=1)[0]["items"][0]
    assert first["answer"] == f"score of {best['item']}"
    rows = predictor.encoder.item_rows
    for one in first["contributions"]:
        assert one["contribution"] == pytest.approx(matrix[rows[one["item"]], rows[best["item"]]], abs=1e-5)
    assert second["base"] + sum(one["contribution"] for one in second["contributions"]) == pytest.approx(second["value"], abs=1e-4)


@pytest.mark.slow
def test_features_recommend_items_that_nobody_had(tmp_path):
    events = pl.DataFrame(built_in("tastes"))
    hidden = [f"jazz {i:02d}" for i in range(1, 7)]
    events.filter(~pl.col("item").is_in(hidden)).write_csv(tmp_path / "e.csv")
    items = sorted(set(events["item"]))
    pl.DataFrame({"item": items, "style": [item.split()[0] for item in items]}).write_csv(tmp_path / "items.csv")
    done = applied_dl.train(
        {"task": "recommend"}, out=tmp_path / "b", data={"source": str(tmp_path / "e.csv"), "item_features": str(tmp_path / "items.csv")},
        model={"name": "two_tower", "dimensions": 16, "hidden": []}, train={"epochs": 8}, **QUICK,
    )  # fmt: skip
    (found,) = done.predictor().predict([{"items": [f"jazz {i:02d}" for i in range(8, 20)]}], top=60)
    assert {one["item"] for one in found["items"]} & set(hidden)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"model": {"name": "svdpp"}}, "not for implicit data"),
        ({"data": {"source": "stars"}, "model": {"name": "ease"}}, "not for explicit"),
        ({"model": {"name": "ease", "dimensions": 8}}, "model.dimensions"), ({"train": {"learning_rate": 0.1}}, "train.learning_rate"),
        ({"model": {"name": "ease"}, "train": {"epochs": 3}}, "train.epochs"), ({"train": {"loss": "bpr"}}, "train.loss"),
        ({"model": {"name": "two_tower", "confidence": 2.0}}, "model.confidence"), ({"learn": {"samples": 3}}, "learn.samples"),
        ({"model": {"name": "neumf"}, "train": {"ensemble": 3}}, "train.ensemble"), ({"model": {"name": "emf"}}, "model.name"),
    ],
)  # fmt: skip
def test_keys_without_an_effect_are_refused(keys, words, tmp_path):
    with pytest.raises(AppliedError) as error:
        applied_dl.train({"task": "recommend"}, out=tmp_path / "b", **keys)
    one_sentence(str(error.value), (words,))


@pytest.mark.parametrize("loss", ["softmax", "bce", "bpr", "mse"])
def test_losses_prefer_the_item_to_the_others(loss):
    from applied_dl.tasks.recommend.fit.net import LOSSES

    good, bad = np.array([[0.9, 0.1, 0.0]], np.float32), np.array([[0.1, 0.9, 0.0]], np.float32)
    assert float(LOSSES[loss](None, good)[0]) < float(LOSSES[loss](None, bad)[0])
