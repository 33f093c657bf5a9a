"""Builders of recommenders: numbers of users and items in, the graph from a user's id or items to the best items out."""

from applied_dl.tasks.recommend.models.graph import implicit_factors, pair_scores, rating_factors, recommender, similar_items

BUILDERS = {"ease": similar_items, "ials": implicit_factors, "biased_mf": rating_factors, "two_tower": pair_scores}

__all__ = ["BUILDERS", "implicit_factors", "pair_scores", "rating_factors", "recommender", "similar_items"]
