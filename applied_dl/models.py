"""Public builders by task: `from applied_dl.models import image, tabular, forecast, text, …`. Shapes in, `keras.Model` out.

Example:
    >>> from applied_dl.models import image
    >>> net = image.resnet((64, 64, 3), num_classes=5, activation="gelu")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from applied_dl.tasks.forecast import models as forecast
    from applied_dl.tasks.generate import models as generate
    from applied_dl.tasks.image import models as image
    from applied_dl.tasks.recommend import models as recommend
    from applied_dl.tasks.segment import models as segment
    from applied_dl.tasks.tabular import models as tabular
    from applied_dl.text import models as text

MODULES = {
    "forecast": "applied_dl.tasks.forecast.models",
    "generate": "applied_dl.tasks.generate.models",
    "image": "applied_dl.tasks.image.models",
    "recommend": "applied_dl.tasks.recommend.models",
    "segment": "applied_dl.tasks.segment.models",
    "tabular": "applied_dl.tasks.tabular.models",
    "text": "applied_dl.text.models",
}
__all__ = ["forecast", "generate", "image", "recommend", "segment", "tabular", "text"]


def __getattr__(name: str) -> Any:
    """A module of builders, imported when it is first used: each imports Keras."""
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(MODULES)}")
    return importlib.import_module(MODULES[name])


def __dir__() -> list[str]:
    return __all__
