import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.tasks.recommend.models.closed import ease, gram, item_knn
from applied_dl.tasks.recommend.models.factors import Member, averaged


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.5, 50))
def test_ease_is_the_least_squares_solution_of_each_item_by_the_others(seed, penalty):
    random = np.random.default_rng(seed)
    x = (random.random((30, 7)) < 0.4).astype(float)
    found = ease(x.T @ x, penalty)
    assert np.abs(np.diag(found)).max() == 0
    for item in range(7):
        others = [i for i in range(7) if i != item]
        a = x[:, others]
        own = np.linalg.solve(a.T @ a + penalty * np.eye(6), a.T @ x[:, item])
        np.testing.assert_allclose(found[others, item], own, atol=1e-8)


def test_gram_and_cosine_are_those_of_the_dense_matrix():
    random = np.random.default_rng(1)
    x = (random.random((50, 9)) < 0.3) * random.random((50, 9))
    users, items = np.nonzero(x)
    products = gram(users, items, x[users, items], x.shape)
    np.testing.assert_allclose(products, x.T @ x, atol=1e-6)
    cosine = item_knn(products, 9, 0.0)
    norm = np.linalg.norm(x, axis=0)
    expected = x.T @ x / np.outer(norm, norm)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(cosine, expected, atol=1e-6)
    assert ((item_knn(products, 3, 1.0) > 0).sum(0) <= 3).all()


def test_the_mean_of_several_models_is_kept_in_few_dimensions_with_users_of_unit_spread():
    random = np.random.default_rng(2)
    members = [Member(random.normal(size=(80, 3)) + 1, random.normal(size=(60, 3))) for _ in range(3)]
    found = averaged(members, 2.0, 9)
    expected = 2.0 + np.mean([one.users @ one.items.T for one in members], axis=0)
    np.testing.assert_allclose(found.base + found.users @ found.items.T, expected, atol=1e-4)
    np.testing.assert_allclose(found.users.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(found.users.T @ found.users / 80, np.eye(found.users.shape[1]), atol=1e-4)
    assert averaged(members, 2.0, 4).items.shape == (60, 4)
