"""scikit-learn estimators: tables, images and labeled texts with `fit`, `predict`, `predict_proba` and `score`.

Each `fit` trains a recipe and exports it; each prediction runs the exported file, so that what was scored is what is shipped. The bundle
of a fitted estimator is the folder `estimator.bundle_`.

Example:
    >>> from applied_dl.sklearn import TabularClassifier
    >>> model = TabularClassifier(recipe={"model": {"preset": "fast"}}, bundle="saved_models/wine").fit(X, y)
    >>> model.predict_proba(X_new)                  # (N, classes)
"""

from applied_dl.sklearn.images import ImageClassifier
from applied_dl.sklearn.tables import TabularClassifier, TabularRegressor
from applied_dl.sklearn.texts import TextClassifier

__all__ = ["ImageClassifier", "TabularClassifier", "TabularRegressor", "TextClassifier"]
