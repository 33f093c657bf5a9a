"""What the model card of a generator says that no other task's does. No TensorFlow."""

from __future__ import annotations

from applied_dl.core.bundle import Manifest
from applied_dl.core.column_reports import ColumnReport, describe_labels, describe_numbers
from applied_dl.report.card import TaskCard
from applied_dl.report.wording import interval_text, percent, rounded


def describe_card(manifest: Manifest) -> TaskCard:
    """The texts of the card, from the manifest alone."""
    images = manifest.main == "fid"
    return TaskCard(
        kind="A generator of images" if images else "A generator of rows of a table",
        pipeline_tag="unconditional-image-generation" if images else "tabular-to-text",
        summary=_summary(manifest),
        page=False,
        example='predictor.predict([{"seed": 1}])  # [{"image"}], a PNG as base64' if images else
        'predictor.predict([{"seed": 1}])  # [{"row"}]',
        captions={
            "samples.png": "Made images, each row of one class" if manifest.facts.get("classes") else "Made images",
            "nearest.png": "Made images, each beside the training image that is nearest to it",
            "columns.png": "Share of the values of each column in real test rows and in made rows",
            "critic.png": "Share of pairs of which the critic scores the real one higher, and the spread of made over real examples",
        },
    )  # fmt: skip


def _summary(manifest: Manifest) -> str:
    test, bounds, others = manifest.metrics.get("test", {}), manifest.intervals.get("test", {}), manifest.baselines
    main = manifest.main
    value, ends = test.get(main), bounds.get(main)
    where = f" (95% interval {interval_text(ends)})" if ends else ""
    if main == "fid":
        best = others.get("PCA-Gaussian", {}).get("fid")
        beside = f", that of a Gaussian of principal components {rounded(best)}" if best is not None else ""
        text = f"The distance between made and real test images (FID, lower is better) is **{rounded(value, ends)}**{where}{beside}."
        if test.get("accuracy") is not None:
            text += f" A classifier of real images finds the class that was asked for in **{percent(test['accuracy'])}** of made images."
        if (near := test.get("nearest_training")) is not None:
            text += f" Made images are {rounded(near)} times as far from the nearest training image as real test images are."
        return text
    best = others.get("Gaussian copula", {}).get("pair_error")
    beside = f", of a Gaussian copula {rounded(best)}" if best is not None else ""
    text = f"The shares of pairs of columns differ from those of real test rows by **{rounded(value, ends)}** on average{where}{beside}."
    if (ratio := test.get("tstr_ratio")) is not None:
        text += f" A model trained on made rows keeps **{percent(ratio)}** of the test score of one trained on as many real rows."
    if (near := test.get("closest_record")) is not None:
        text += f" Made rows are {rounded(near)} times as far from the closest training row as real test rows are."
    return text


def worst_examples(outputs, part, encoder, facts: dict) -> list[dict]:
    """None: plots show them."""
    return []


def describe_data(prepared) -> list[ColumnReport]:
    """The images and their classes, or what each column is."""
    form = prepared.encoder.form
    if not form.height:
        return [_column(column) for column in form.columns]
    shape = f"{form.height} by {form.width} pixels, {'grey' if form.channels == 1 else 'RGB'}"
    reports = [ColumnReport(name="image", kind="image", read_as=shape, key="data.image_size")]
    reports.append(describe_numbers("brightness", prepared.state.pixels[:500].mean(axis=(1, 2, 3)), kind="mean of the pixels"))
    if form.labels:
        reports.append(describe_labels("label", prepared.state.codes, form.labels, kind="class", key="data.conditional"))
    return reports


def _column(column) -> ColumnReport:
    read_as = {
        "number": f"{len(column.knots)} intervals, {column.decimals} decimals",
        "moment": f"{len(column.knots)} intervals, {column.style}",
        "category": f"{len(column.levels)} levels",
        "key": f"made anew from {column.prefix}{column.first} on",
        "empty": "left empty",
    }[column.kind]
    return ColumnReport(name=column.name, kind=column.kind, read_as=read_as, examples=column.levels[:5])
