"""Texts to vectors or labels."""
