"""Which model suits the data: by the form of the set, its length and the covariates it has."""

from __future__ import annotations

ENOUGH = 2000  # training windows from which a blend is worth its time
MEMBERS = {
    "fast": ("ridge", "cyclenet"), "default": ("ridge", "cyclenet"), "best": ("ridge", "cyclenet", "cyclenet", "cyclenet", "gru"),
}  # fmt: skip
COVARIATE_MEMBERS = ("ridge", "tide")  # cyclenet sees no covariates
PANEL_MEMBERS = ("panel", "nbeats")


def name_of(recipe, form: str, windows: int, season: int) -> str:
    """The recipe's model, or the one that suits the data: a network for panels, a blend, or ridge (short series, `preset = "fast"`)."""
    if recipe.model.name:
        return recipe.model.name
    if recipe.model.members is not None:
        return "blend"
    if form == "panel":
        return "panel"
    if recipe.data.past_covariates:  # which ridge does not see
        return "tide" if recipe.model.preset == "fast" else "blend"
    return "blend" if recipe.model.preset != "fast" and windows >= ENOUGH and season > 1 else "ridge"


def members_of(recipe, name: str, form: str) -> tuple[str, ...]:
    """The models behind a name: a blend's members, or itself."""
    if name != "blend":
        return (name,)
    if recipe.model.members is not None:
        return recipe.model.members
    if form == "panel":
        return PANEL_MEMBERS
    return (
        COVARIATE_MEMBERS
        if recipe.data.past_covariates or recipe.data.future_covariates or recipe.data.calendar
        else MEMBERS[recipe.model.preset]
    )
