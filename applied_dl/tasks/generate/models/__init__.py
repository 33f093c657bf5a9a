"""Builders of generators by name, and the critics that images and rows are trained against."""

from applied_dl.tasks.generate.models.columns import column_net
from applied_dl.tasks.generate.models.images import dcgan_critic, dcgan_generator, residual_critic, residual_generator
from applied_dl.tasks.generate.models.rows import row_critic, row_generator

GENERATORS = {"residual": residual_generator, "dcgan": dcgan_generator}
CRITICS = {"residual": residual_critic, "dcgan": dcgan_critic}
OF_TABLES = ("autoregressive", "row_gan")

__all__ = [
    "CRITICS", "GENERATORS", "OF_TABLES", "column_net", "dcgan_critic", "dcgan_generator", "residual_critic", "residual_generator",
    "row_critic", "row_generator",
]  # fmt: skip
