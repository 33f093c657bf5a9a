"""Losses and token augmentation of sentence models."""
