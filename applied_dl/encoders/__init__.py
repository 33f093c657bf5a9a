"""Raw input → arrays, without TensorFlow: the same code for the trainer and for the predictor."""
