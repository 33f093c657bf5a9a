"""Which model suits the data: by the form of the set, its length and the covariates it has."""

from __future__ import annotations

ENOUGH = 2000  # training windows from which a blend with a network is worth its time
FEW = 500  # training windows up to which exponential smoothing is a member
MEMBERS = {
    "fast": ("ridge", "cyclenet"), "default": ("ridge", "cyclenet"), "best": ("ridge", "cyclenet", "cyclenet", "cyclenet", "gru"),
}  # fmt: skip
COVARIATE_MEMBERS = ("ridge", "tide")  # cyclenet sees no covariates
SHORT_MEMBERS = ("ridge", "ets")
PANEL_MEMBERS = ("panel", "nbeats")


def choose(recipe, form: str, windows: int, season: int, short: bool) -> tuple[str, tuple[str, ...] | None]:
    """The recipe's model, or the one that suits the data.

    Args:
        recipe: The forecast recipe.
        form: "aligned" or "panel".
        windows: Number of training windows.
        season: Steps of the season; 1 for none.
        short: Whether the history is too short for a validation part of its own.

    Returns:
        The name of the model and, of a blend, its members.
    """
    model, data = recipe.model, recipe.data
    if model.members is not None:
        return (model.name or "blend"), (model.members if model.name in (None, "blend") else None)
    covariates = bool(data.past_covariates or data.future_covariates or data.calendar)
    if form == "panel":
        members = PANEL_MEMBERS
    elif windows < FEW and not data.past_covariates:
        members = SHORT_MEMBERS
    else:
        members = COVARIATE_MEMBERS if covariates else MEMBERS[model.preset]
    if model.name:
        return model.name, (members if model.name == "blend" else None)
    if data.past_covariates and form != "panel":  # which ridge and ets do not see
        return ("tide", None) if model.preset == "fast" else ("blend", COVARIATE_MEMBERS)
    if short:
        return "ets", None
    if form == "panel":
        return "panel", None
    if model.preset == "fast" or (FEW <= windows < ENOUGH) or (season == 1 and windows >= ENOUGH):
        return "ridge", None
    return "blend", members
