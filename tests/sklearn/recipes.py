"""Small recipes for the estimators."""

EXPORT = {"formats": ["tflite"], "variants": ["fp32"], "max_metric_drop": 1.0}
LINEAR = {"model": {"name": "linear"}, "train": {"epochs": 5}, "export": EXPORT}
