"""Pretrained trunks, and parts of image nets that several tasks use."""
