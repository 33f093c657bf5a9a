"""Forecasters as plain functions: a `Spec` of sizes in, a `keras.Model` out; raw history to standardised forecast, TFLite builtins only."""

from applied_dl.tasks.forecast.models.closed_form import backtest, fit_ridge
from applied_dl.tasks.forecast.models.cyclenet import cyclenet
from applied_dl.tasks.forecast.models.ets import ets
from applied_dl.tasks.forecast.models.linear import dlinear, linear, nlinear, ridge, rlinear
from applied_dl.tasks.forecast.models.mixers import itransformer, nbeats, panel, patchtst, tcn, tide, tsmixer
from applied_dl.tasks.forecast.models.recurrent import gru, lstm, seq2seq, simple_rnn
from applied_dl.tasks.forecast.models.shell import Spec

BUILDERS = {
    "ridge": ridge,
    "ets": ets,
    "linear": linear,
    "nlinear": nlinear,
    "rlinear": rlinear,
    "dlinear": dlinear,
    "cyclenet": cyclenet,
    "simple_rnn": simple_rnn,
    "gru": gru,
    "lstm": lstm,
    "seq2seq": seq2seq,
    "tcn": tcn,
    "tsmixer": tsmixer,
    "tide": tide,
    "patchtst": patchtst,
    "itransformer": itransformer,
    "nbeats": nbeats,
    "panel": panel,
}

__all__ = ["BUILDERS", "Spec", "backtest", "fit_ridge", *BUILDERS]
