"""Users and the items they rated or used: ratings to predict, items to recommend."""
