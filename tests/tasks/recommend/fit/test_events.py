import numpy as np

from applied_dl.tasks.recommend.fit.events import Candidate, choose


def test_the_larger_penalty_is_chosen_where_the_best_is_better_by_chance_alone():
    tried = [Candidate("ease", {"regularization": float(p)}) for p in (10, 20, 40)] + [Candidate("ials", {"regularization": 99.0})]
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.2, (4, 400))
    base = random.random(400)
    clear = base + np.array([[0.3], [0.0], [0.0], [0.0]]) + noise
    assert choose(tried, clear) == 0
    near = base + np.array([[0.001], [0.0], [-0.3], [0.0]]) + noise - noise.mean(1, keepdims=True)
    assert choose(tried, near) == 1  # 40 is clearly worse, and another model is no larger penalty
    assert choose(tried[:1], near[:1]) == 0
