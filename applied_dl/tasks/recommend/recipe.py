"""The recipe of a recommender."""

from typing import Literal

from msgspec import field

from applied_dl.core import sections
from applied_dl.core.sections import Card, Export, Section, Tune, about

Name = Literal["best", "biased_mf", "svdpp", "ials", "ease", "item_knn", "two_tower", "neumf"]
Loss = Literal["mse", "bce", "bpr", "softmax"]


class Data(Section, frozen=True, kw_only=True):
    source: about(str, 'built-in "tastes" (events) or "stars" (ratings), or a CSV, TSV, Parquet, JSONL or Excel table of events') = "tastes"
    train: about(str | None, "training events; with it, the files are used exactly as given") = None
    validation: about(str | None, "validation events; cut from the training events where only a test is given") = None
    test: about(str | None, "test events") = None
    user: about(str | None, "column of users; by default a common name such as user, user_id, customer") = None
    item: about(str | None, "column of items; by default a common name such as item, movie, product, artist") = None
    value: about(str | None, "column of ratings or counts; by default a common name such as rating, stars, count, plays") = None
    time: about(str | None, "column of times: dates, texts or numbers since 1970 in any unit; by default a common name") = None
    kind: about(
        Literal["explicit", "implicit"] | None,
        "explicit: values are ratings to predict; implicit: events to rank; by default decided by them",
    ) = None
    liked: about(
        float | None, "the smallest value that counts as liked: lower ones are excluded from recommendations, but not learned from"
    ) = None
    min_user: about(int, "users with fewer events are left out, again and again (k-core)", ge=1) = 1
    min_item: about(int, "items with fewer events are left out, again and again (k-core)", ge=1) = 1
    split: about(
        Literal["last", "random"] | None,
        "which events of each user are held out: the last in time, or random ones; last where there are times",
    ) = None
    shares: about(tuple[float, float, float], "shares of each user's events for train, validation and test") = (0.8, 0.1, 0.1)
    leave: about(
        int | None, "events of each user in the test, and as many in the validation, instead of shares (1: leave one out)", ge=1
    ) = None
    user_features: about(str | None, "table with a row for each user, for two_tower: numbers and categories") = None
    item_features: about(str | None, "table with a row for each item, for two_tower: numbers and categories") = None


class Model(Section, frozen=True, kw_only=True):
    name: about(
        Name | None,
        "best (of ease and ials), biased_mf, svdpp, ials, ease, item_knn, two_tower or neumf; by default chosen for the kind of data",
    ) = None
    dimensions: about(int | None, "factors of a user and of an item", ge=1, le=1024) = None
    regularization: about(float | None, "ease, ials: ridge penalty, by default the best on validation; item_knn: shrinkage", gt=0) = None
    confidence: about(float | None, "ials: weight of an event above that of no event (alpha)", gt=0) = None
    neighbours: about(int | None, "item_knn: most similar items that are kept for each item", ge=1) = None
    hidden: about(tuple[int, ...] | None, "two_tower, neumf: widths of the hidden layers") = None
    weighting: about(Literal["binary", "log"] | None, "implicit: every event counts 1, or 1 + log of its value") = None


class Learn(Section, frozen=True, kw_only=True):
    negatives: about(int | None, "sampled items for each event, for the losses bce, bpr and softmax", ge=1, le=4096) = None
    samples: about(int | None, "biased_mf on ratings: models from the end of the sampling that are averaged", ge=1, le=512) = None


class Train(sections.Train, frozen=True, kw_only=True):
    loss: about(Loss | None, "mse (ratings), bce, bpr or softmax over sampled items (events)") = None


class Recipe(Section, frozen=True, kw_only=True):
    task: str = "recommend"
    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    learn: Learn = field(default_factory=Learn)
    train: Train = field(default_factory=Train)
    export: Export = field(default_factory=Export)
    tune: Tune = field(default_factory=Tune)
    card: Card = field(default_factory=Card)


MAIN_KEYS = (  # what people change most; `applied-dl new` writes them first
    "data.source",
    "data.user",
    "data.item",
    "data.value",
    "data.time",
    "data.kind",
    "data.split",
    "data.min_item",
    "model.name",
    "model.dimensions",
    "train.seed",
)
