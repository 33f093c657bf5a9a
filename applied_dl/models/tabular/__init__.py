"""Builders over the columns of a table: fitted features in, (B, members, outputs) out."""

from applied_dl.models.tabular.features import Features, plain_features
from applied_dl.models.tabular.nets import linear, mlp, resnet, tabm

BUILDERS = {"linear": linear, "mlp": mlp, "resnet": resnet, "tabm": tabm}

__all__ = ["BUILDERS", "Features", "linear", "mlp", "plain_features", "resnet", "tabm"]
