"""Public builders by task: `from applied_dl.models import image, tabular, forecast, text`. Shapes in, `keras.Model` out.

Example:
    >>> from applied_dl.models import image
    >>> net = image.resnet((64, 64, 3), num_classes=5, activation="gelu")
"""

import importlib

HOMES = {
    "image": "applied_dl.tasks.image.models",
    "tabular": "applied_dl.tasks.tabular.models",
    "forecast": "applied_dl.tasks.forecast.models",
    "text": "applied_dl.text.models",
}
__all__ = ["forecast", "image", "tabular", "text"]  # noqa: F822  loaded when asked for: each imports Keras


def __getattr__(name: str):
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(HOMES)}")
    return importlib.import_module(HOMES[name])
