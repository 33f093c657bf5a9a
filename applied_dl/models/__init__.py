"""Prebuilt Keras builders by task: `image`, `tabular`, `forecast`, `text`. Shapes in, `keras.Model` out; no data, no training."""
