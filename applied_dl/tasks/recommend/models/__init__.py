"""Builders of recommenders: numbers of users and items in, the graph from a user's id or items to the best items out."""

from applied_dl.tasks.recommend.models.graph import implicit_factors, rating_factors, recommender, similar_items

BUILDERS = {"biased_mf": rating_factors, "ials": implicit_factors, "ease": similar_items}

__all__ = ["BUILDERS", "implicit_factors", "rating_factors", "recommender", "similar_items"]
