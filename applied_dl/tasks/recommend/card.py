"""What the model card of a recommender says that no other task's does. No TensorFlow."""

from __future__ import annotations

import numpy as np

from applied_dl.core.bundle import Manifest
from applied_dl.core.column_reports import ColumnReport, describe_numbers
from applied_dl.report.card import TaskCard
from applied_dl.report.wording import interval_text, percent, rounded
from applied_dl.tasks.recommend.encoder import RecommendEncoder
from applied_dl.tasks.recommend.scores import user_metrics

EXAMPLES = 5
LISTED = 3  # items in a cell


def describe_card(manifest: Manifest) -> TaskCard:
    """The texts of the card, from the manifest alone."""
    explicit = manifest.facts.get("kind") == "explicit"
    return TaskCard(
        kind="A recommender: ratings of items by users" if explicit else "A recommender of items to users by what they had",
        pipeline_tag="tabular-regression" if explicit else "other",
        summary=_summary(manifest, explicit),
        example='predictor.predict(["a user", {"items": ["an item", …]}])  # [{"user", "items": [{"item", "score"}]}]',
        error_plots=("activity.png",),
        page=False,
        captions={
            "activity.png": f"{manifest.main.upper()} by the number of a user's earlier events",
            "popularity.png": "How often items are recommended, against how popular they were in the training events",
            "factors.png": "Popular items by their factors in two dimensions: near ones are liked by the same people",
        },
    )


def _summary(manifest: Manifest, explicit: bool) -> str:
    test, intervals = manifest.metrics.get("test", {}), manifest.intervals.get("test", {})
    value, interval = test.get(manifest.main), intervals.get(manifest.main)
    if value is None:
        return ""
    ends = f" (95% interval {interval_text(interval)})" if interval else ""
    if explicit:
        return f"Ratings of held-out events are missed by **{rounded(value, interval)}** (RMSE){ends}."
    recall = test.get("recall_at_20")
    found = f" The first 20 recommendations hold {percent(recall)} of what users turned to next." if recall is not None else ""
    return f"NDCG@10 of **{rounded(value, interval)}**{ends}, ranking every item that a user did not have.{found}"


def worst_examples(outputs, part, encoder: RecommendEncoder, facts: dict) -> list[dict]:
    """Users whose recommendations missed what they turned to, or ratings that were missed most."""
    if encoder.explicit:
        error = np.abs(outputs["asked"][:, : part.target.shape[1]] - part.target)
        order = np.argsort(-np.nan_to_num(error), axis=None, kind="stable")[:EXAMPLES]
        rows, places = np.unravel_index(order, error.shape)
        return [
            {
                "user": encoder.users[int(part.extra["users"][row]) - 1], "item": encoder.items[int(part.inputs["ask"][row, place]) - 1],
                "true": float(part.target[row, place]), "predicted": round(float(outputs["asked"][row, place]), 3),
            }
            for row, place in zip(rows, places)
        ]  # fmt: skip
    value = user_metrics(outputs["items"], part.extra["relevant"])["ndcg_at_10"]
    order = np.lexsort((-(part.extra["relevant"] > 0).sum(1), value))[:EXAMPLES]

    def named(items: np.ndarray) -> str:
        return ", ".join(encoder.items[int(item) - 1] for item in items[items > 0][:LISTED])

    return [
        {
            "user": encoder.users[int(part.extra["users"][row]) - 1], "had": named(part.inputs["items"][row]),
            "recommended": named(outputs["items"][row]), "turned to": named(part.extra["relevant"][row]),
        }
        for row in order
    ]  # fmt: skip


def describe_data(prepared) -> list[ColumnReport]:
    """The columns of the events."""
    encoder, facts, log = prepared.encoder, prepared.facts, prepared.state.seen
    user, item, value, time = encoder.columns
    least, middle, most = facts["events_per_user"]
    popular = np.argsort(-encoder.arrays["popularity"], kind="stable")[:EXAMPLES]
    shown = tuple(encoder.items[i - 1] for i in popular if i > 0)
    found = [
        ColumnReport(
            name=user, kind="user", read_as=f"{facts['users']:,} users with {least} to {most} events, median {middle}",
            examples=tuple(encoder.users[:EXAMPLES]), key="data.user",
        ),
        ColumnReport(name=item, kind="item", read_as=f"{facts['items']:,} items, the most popular first", examples=shown, key="data.item"),
    ]  # fmt: skip
    if value:
        how = "ratings" if encoder.explicit else "implicit feedback"
        found.append(describe_numbers(value, log.values, kind="value", key="data.value", read_as=f"{how}: {facts['kind_because']}"))
    if time:
        found.append(ColumnReport(name=time, kind="time", read_as="the order of a user's events", key="data.time"))
    return found
