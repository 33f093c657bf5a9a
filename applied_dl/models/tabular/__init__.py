"""Builders over the columns of a table: fitted features in, (B, members, outputs) out."""

from applied_dl.models.tabular.features import Features, plain_features
from applied_dl.models.tabular.nets import linear, mlp, resnet, tabm
from applied_dl.models.tabular.realmlp import realmlp
from applied_dl.models.tabular.retrieval import retrieval

BUILDERS = {"linear": linear, "mlp": mlp, "resnet": resnet, "tabm": tabm, "realmlp": realmlp, "retrieval": retrieval}

__all__ = ["BUILDERS", "Features", "linear", "mlp", "plain_features", "realmlp", "resnet", "retrieval", "tabm"]
