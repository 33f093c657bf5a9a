"""What the model card of a segmentation model says that no other task's does. No TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from applied_dl.core.bundle import Manifest
from applied_dl.core.column_reports import ColumnReport, describe_numbers
from applied_dl.report.card import TaskCard
from applied_dl.report.wording import interval_text, rounded

SAMPLE = 500  # images whose brightness is described


def describe_card(manifest: Manifest) -> TaskCard:
    """The texts of the card, from the manifest alone."""
    interval = manifest.intervals.get("test", {}).get("miou")
    between = interval_text(interval)
    return TaskCard(
        kind=f"A segmentation model that gives every pixel one of {manifest.facts.get('classes', 'several')} classes",
        pipeline_tag="image-segmentation",
        summary=f"Predicted and true regions overlap with a mean IoU of {rounded(manifest.metrics['test']['miou'], interval)} on "
        f"{manifest.rows['test']:,} test rows{f' ({between} in 95% of resampled test sets)' if between else ''}.",
        example='predictor.predict(["photo.jpg"], arrays=True)  # [{"mask": uint8 (height, width), "classes", "confidence"}]',
        origin=_origin(manifest.recipe["model"]),
        error_plots=("worst.png", "classes.png", "confusion.png", "overlays.png"),
        captions={
            "worst.png": "The test images with the lowest mean IoU: true masks beside predicted ones",
            "overlays.png": "Test images: true masks beside predicted ones",
            "classes.png": "Dice of each class on the test images, with 95% intervals over images",
            "confusion.png": "Percent of the pixels of each true class (rows) by predicted class (columns)",
            "batch.png": "Training images after augmentation under their masks, as the network sees them",
        },
    )  # fmt: skip


def _origin(model: dict) -> str:
    """The pretrained weights that the training began with."""
    weights = model.get("weights")
    if not weights or weights == "none":
        return ""
    if weights == "embedded":
        return "The encoder began with the ImageNet weights of MobileNetV2 inside the package (by Google, Apache License 2.0)."
    of = "the ImageNet weights of Keras" if weights == "imagenet" else f"the weights {Path(weights).name}"
    return f"The encoder began with {of} ({model.get('backbone') or 'its own net'}); their licence applies to it."


def worst_examples(outputs, part, encoder, facts: dict) -> list[dict]:
    """None: the plot of the worst images shows them."""
    return []


def describe_data(prepared) -> list[ColumnReport]:
    """The images, their brightness, the share of each class, and the files that could not be read."""
    encoder, part = prepared.encoder, prepared.train
    pixels = np.asarray(part.inputs["image"][:SAMPLE], np.float32)
    shape = f"{encoder.height} by {encoder.width} pixels, {'grey' if encoder.channels == 1 else 'RGB'}, {encoder.fit}"
    shares = prepared.facts["class_shares"]
    listed = ", ".join(f"{label} {share:.1%}" for label, share in shares.items())
    kinds = {"index": "class numbers", "color": "colours", "shapes": "shapes of annotation files"}
    reports = [
        ColumnReport(name="image", kind="image", read_as=shape, key="data.image_size"),
        describe_numbers("brightness", pixels.mean(axis=(1, 2, 3)), kind="mean of the pixels", note="outliers are very dark or very light"),
        ColumnReport(name="mask", kind="target", read_as=f"{kinds[encoder.code.kind]}: {listed}", key="data.classes"),
    ]
    files = prepared.facts.get("unreadable_files", [])
    return reports + [
        ColumnReport(name="unreadable file", kind="dropped", note=str(text), key="data.max_unreadable") for text in files[:20]
    ]
