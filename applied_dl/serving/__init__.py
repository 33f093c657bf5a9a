"""Bundles behind HTTP: the Open Inference Protocol v2 on Starlette and uvicorn, without TensorFlow."""
