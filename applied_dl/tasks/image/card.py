"""What the model card of an image model says that no other task's does. No TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from applied_dl.core.bundle import Manifest
from applied_dl.core.column_reports import ColumnReport, describe_labels, describe_numbers
from applied_dl.report.card import TaskCard
from applied_dl.report.wording import score_sentence


def describe_card(manifest: Manifest) -> TaskCard:
    """The texts of the card, from the manifest alone."""
    regression = manifest.main in ("rmse", "mae")
    kind = {"f1": "A multi-label image classifier", "accuracy": "An image classifier"}.get(manifest.main, "An image regression model")
    result = '[{"prediction", "lower", "upper"}]' if regression else '[{"label", "probability", "top"}]'
    return TaskCard(
        kind=kind,
        pipeline_tag="image-classification",
        summary=score_sentence(manifest, "images"),
        example=f'predictor.predict(["photo.jpg"])  # {result}',
        origin=_origin(manifest.recipe["model"]),
        error_plots=("worst.png", "labels.png", "confusion.png", "residuals.png"),
        captions={
            "worst.png": "The test images whose true label got the lowest probability, with the true and the predicted label",
            "confusion.png": "Confusion matrix of the test images: rows are true classes, columns are predicted ones",
            "labels.png": "F1 of each label on the test images",
            "reliability.png": "Predicted probability against the share of correct predictions on the test images",
            "residuals.png": "Predicted against true values on the test images, and the distribution of the errors",
            "batch.png": "Training images after augmentation, as the network sees them",
        },
    )


def _origin(model: dict) -> str:
    """The pretrained weights that the training began with."""
    weights = model.get("weights")
    if model["name"] != "backbone" or not weights:
        return ""
    if weights == "embedded":
        return "The training began with the ImageNet weights of MobileNetV2 inside the package (by Google, Apache License 2.0)."
    of = "the ImageNet weights of Keras" if weights == "imagenet" else f"the weights file {Path(weights).name}"
    return f"The training began with {of} ({model['backbone']}); their licence applies to it."


def worst_examples(outputs, part, encoder, facts: dict) -> list[dict]:
    """None: the plot of the worst images shows them."""
    return []


SAMPLE = 500  # images whose brightness is described


def describe_data(prepared) -> list[ColumnReport]:
    """The images, their brightness, the target, and the files that could not be read."""
    encoder, part = prepared.encoder, prepared.train
    pixels = np.asarray(part.inputs["image"][:SAMPLE], np.float32)
    shape = f"{encoder.height} by {encoder.width} pixels, {'grey' if encoder.channels == 1 else 'RGB'}, {encoder.fit}"
    reports = [
        ColumnReport(name="image", kind="image", read_as=shape, key="data.image_size"),
        describe_numbers("brightness", pixels.mean(axis=(1, 2, 3)), kind="mean of the pixels", note="outliers are very dark or very light"),
    ]
    if encoder.multi_label:
        shares = np.asarray(part.target).mean(0)
        listed = ", ".join(f"{label} {share:.1%}" for label, share in zip(encoder.labels, shares))
        reports.append(ColumnReport(name="labels", kind="target", read_as=f"several per image: {listed}", key="data.target"))
    elif encoder.labels:
        reports.append(describe_labels("label", part.target, encoder.labels, kind="target", key="data.target"))
    else:
        reports.append(describe_numbers("target", part.target, kind="target", key="data.target"))
    files = prepared.facts.get("unreadable_files", [])
    return reports + [
        ColumnReport(name="unreadable file", kind="dropped", note=str(text), key="data.max_unreadable") for text in files[:20]
    ]
