"""The fitted state of the image task: the form of its input, and what its labels are. No TensorFlow."""

from __future__ import annotations

from pathlib import Path

from applied_dl.core import encoder_files as stored
from applied_dl.vision.images import ImageForm


class ImageEncoder(ImageForm, frozen=True, kw_only=True):
    """The fitted state of the image task; images are decoded by `applied_dl.vision.images.decode`.

    Attributes:
        labels: the classes in order; empty for regression.
        multi_label: an image may have several labels.
        target: name of the label column; empty where labels are folder names.
        separator: what separates the labels of an image in a cell of that column.
    """

    labels: tuple[str, ...] = ()
    multi_label: bool = False
    target: str = ""
    separator: str = ""

    @property
    def kind(self) -> str:
        """What is predicted: "classification", "multi_label" or "regression"."""
        return "multi_label" if self.multi_label else "classification" if self.labels else "regression"


save = stored.save


def load(folder: Path) -> ImageEncoder:
    """Read `encoder.json`. Raises `DataError` where it is damaged."""
    return stored.read(ImageEncoder, folder)
