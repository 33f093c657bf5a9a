"""Builders of tabular nets: features in, (B, members, outputs) out."""

from applied_dl.tasks.tabular.models.features import Features, plain_features
from applied_dl.tasks.tabular.models.nets import linear, mlp, resnet, tabm
from applied_dl.tasks.tabular.models.realmlp import realmlp
from applied_dl.tasks.tabular.models.retrieval import retrieval

BUILDERS = {"linear": linear, "mlp": mlp, "resnet": resnet, "tabm": tabm, "realmlp": realmlp, "retrieval": retrieval}
OPTIONS = ("width", "depth", "heads", "activation", "dropout")  # keys of `[model]` that builders take

__all__ = ["BUILDERS", "OPTIONS", "Features", "linear", "mlp", "plain_features", "realmlp", "resnet", "retrieval", "tabm"]
