"""Numeric preprocessing as Keras layers with fitted state: it trains with the model and leaves with it."""
