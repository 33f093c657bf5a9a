"""RealMLP's parts against their formulas."""

import keras
import numpy as np
import pytest

from applied_dl.core.errors import UsageError
from applied_dl.tasks.tabular.models import plain_features, realmlp
from applied_dl.tasks.tabular.models.realmlp import BIAS_RATE, Blend, FadingDropout, FrontScale, NTPDense, rates, start

random = np.random.default_rng(0)


def array(x):
    return keras.ops.convert_to_numpy(x)


def mish(x):
    return x * np.tanh(np.log1p(np.exp(x)))


def test_the_whole_net_is_its_formula():
    keras.utils.set_random_seed(1)
    model = realmlp(plain_features(3), 2, width=5, depth=2)
    for layer in model.layers:  # trained values that are not what they started as
        layer.set_weights([w + random.normal(0, 0.3, w.shape) if w.ndim else w for w in layer.get_weights()])
    x = random.normal(size=(7, 3)).astype(np.float32)
    weight = {v.path: array(v).astype(np.float64) for v in model.trainable_variables}
    h = x * weight["front/scale"]
    for i in range(2):
        z = h @ weight[f"hidden_{i}/kernel"] / np.sqrt(h.shape[1]) + weight[f"hidden_{i}/bias"]
        h = z + weight[f"blend_{i}/share"] * (mish(z) - z)
    wanted = h @ weight["head/kernel"] / np.sqrt(5) + weight["head/bias"]
    np.testing.assert_allclose(array(model({"numbers": x}))[:, 0], wanted, rtol=1e-4, atol=1e-5)


def test_first_weights_give_unit_deviations_and_kinks_among_the_rows():
    keras.utils.set_random_seed(0)
    model = realmlp(plain_features(4), width=32, depth=2)
    rows = {"numbers": random.normal(0, [1, 5, 0.1, 2], (600, 4)).astype(np.float32)}
    start(model, rows)
    for name in ("hidden_0", "hidden_1"):
        z = keras.Model(model.input, model.get_layer(name).output).predict(rows, verbose=0)
        bias = array(model.get_layer(name).bias)
        np.testing.assert_allclose(z.std(0), 1, rtol=2e-3)
        bare = z - bias
        assert ((-bias >= bare.min(0)) & (-bias <= bare.max(0))).all()
    again = realmlp(plain_features(4), width=32, depth=2)
    again.set_weights([v * 0 + 1 for v in again.get_weights()])  # units that are all alike, and of a feature that never changes
    start(again, {"numbers": np.ones((50, 4), np.float32)})
    assert all(np.isfinite(w).all() for w in again.get_weights())


def test_dropout_fades_over_its_steps_and_is_none_when_asked():
    layer = FadingDropout(0.4, steps=100)
    assert [float(layer.rate_at(step)) for step in (0, 50, 75, 100, 500)] == pytest.approx([0.4, 0.4, 0.2, 0.0, 0.0], abs=1e-6)
    x = np.ones((200, 50), np.float32)
    np.testing.assert_array_equal(array(layer(x)), x)
    dropped = array(layer(x, training=True))
    np.testing.assert_allclose(np.unique(dropped), [0, 1 / 0.6], rtol=1e-5)
    assert (dropped == 0).mean() == pytest.approx(0.4, abs=0.02)
    assert float(layer.step) == 1
    layer.step.assign(100.0)
    np.testing.assert_allclose(array(layer(x, training=True)), x)
    assert float(FadingDropout(0.4).rate_at(10**6)) == pytest.approx(0.4)


def test_parts_survive_saving(tmp_path):
    model = realmlp(plain_features(3), width=8)
    model.save(tmp_path / "m.keras")
    x = {"numbers": random.normal(size=(5, 3)).astype(np.float32)}
    np.testing.assert_array_equal(array(keras.saving.load_model(tmp_path / "m.keras")(x)), array(model(x)))
    for kind in (NTPDense(4), FadingDropout(0.1, 20), Blend(), FrontScale()):
        assert type(kind).from_config(kind.get_config()).get_config() == kind.get_config()


def test_rates_reach_the_variables_that_they_name():
    model = realmlp(plain_features(3), width=8, depth=1)
    found, paths = rates(model), [v.path for v in model.trainable_variables]
    assert found == {"front": 6.0, "blend_0": 0.1, "hidden_0/bias": BIAS_RATE, "head/bias": BIAS_RATE}
    assert all(any(path.startswith(prefix) for path in paths) for prefix in found)
    with pytest.raises(UsageError, match="'maxout' has no meaning for 'realmlp'"):
        realmlp(plain_features(3), activation="maxout")
