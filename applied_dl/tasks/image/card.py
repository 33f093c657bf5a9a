"""What the model card of an image model says that no other task's does. No TensorFlow."""

from __future__ import annotations

from applied_dl.core.bundle import Manifest
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


def worst_examples(outputs, part, encoder, facts: dict) -> list[dict]:
    """None: the plot of the worst images shows them."""
    return []
