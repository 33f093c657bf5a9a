"""Which model suits the data: by the form of the set, its length and the covariates it has."""

from __future__ import annotations

CLOSED = ("ridge", "ets")  # solved, not trained
ENOUGH = 2000  # training windows from which a blend with a network is worth its time
LONG_PANEL, LARGE_PANEL = 150, 150_000  # training steps of the mean series, and of all, from which a panel is worth a network
MEMBERS = {
    "fast": ("ridge", "cyclenet"), "default": ("ridge", "cyclenet"), "best": ("ridge", "cyclenet", "cyclenet", "cyclenet", "gru"),
}  # fmt: skip
COVARIATE_MEMBERS = ("ridge", "tide")  # cyclenet sees no covariates
SHORT_MEMBERS = ("ridge", "ets")
PANEL_MEMBERS = ("panel", "nbeats")


def choose(recipe, form: str, windows: int, season: int, short: bool, lengths: list[int]) -> tuple[str, tuple[str, ...] | None]:
    """The recipe's model, or the one that suits the data.

    Args:
        recipe: The forecast recipe.
        form: "aligned" or "panel".
        windows: Number of training windows of an aligned set.
        season: Steps of the season; 1 for none.
        short: Whether the history is too short for a validation part of its own.
        lengths: Training steps of each series.

    Returns:
        The name of the model and, of a blend, its members.
    """
    model, data = recipe.model, recipe.data
    if model.members is not None:
        return (model.name or "blend"), (model.members if model.name in (None, "blend") else None)
    covariates = bool(data.past_covariates or data.future_covariates or data.calendar)
    if form == "panel":
        members = PANEL_MEMBERS
    elif (windows < ENOUGH or season == 1) and not data.past_covariates:
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
        large = sum(lengths) >= max(LARGE_PANEL, LONG_PANEL * len(lengths))
        return "panel" if large or data.past_covariates or data.static_covariates else "ets", None
    return ("ridge", None) if model.preset == "fast" else ("blend", members)
