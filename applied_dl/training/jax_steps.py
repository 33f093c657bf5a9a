"""JAX: many steps in one compiled function, and a whole evaluation in another; over all devices of all processes where there are several.

Same interface as `steps`. Keras' `fit` calls `train_function(state, iterator)`, where `state` is every variable of the model: here the
iterator yields the row numbers of many steps, and the function gathers, augments and descends. Row numbers are divided among the devices,
everything else is the same on each, so that XLA adds the gradients up and the global batch is that of one device.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import jax
import keras
import numpy as np
from jax import lax
from jax import numpy as jnp
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from applied_dl.training.batches import Plan, changed, row_blocks, shard
from applied_dl.training.model_parts import build_metrics, leaf_layers
from applied_dl.training.source import Source


def steps_per_call(source: Source, cut: Plan, augment: Callable | None) -> int:
    """Keras' `steps_per_execution`: an element of `feed` is a whole call."""
    return 1


def feed(model: keras.Model, source: Source, cut: Plan, seed: int, augment: Callable | None) -> tuple[int, Callable]:
    """Elements of an epoch, and `batches(first step)` for `fit`; the model must be compiled."""
    cut = cut if source.ready and not _slow_in_loops(model) else cut._replace(execution=1)

    def batch_of(data, step):
        return changed(source.gather(data) if source.ready else data, augment, jnp.stack([jnp.int32(seed), step]))

    def block(state, data, steps):
        if cut.execution == 1:
            state = model.train_step(state, batch_of(jax.tree.map(lambda column: column[0], data), steps[0]))[1]
        else:
            state, _ = lax.scan(lambda state, one: (_like(model.train_step(state, batch_of(*one))[1], state), None), state, (data, steps))
        return _results(model, state[3]), state

    rows = np.zeros(cut.batch, np.int32)
    sample = rows if source.ready else source.gather(rows)
    build_metrics(model, jax.eval_shape(batch_of, sample, jnp.int32(0)))
    call = _compiled(block, donate=True)

    def elements(first_step: int):
        for i, index in enumerate(row_blocks(source.size, cut, seed, first_step)):
            step = first_step + i * cut.execution
            yield index, np.arange(step, step + cut.execution, dtype=np.int32)

    def train(state, iterator):
        index, steps = next(iterator)
        data = _divided(index, 1) if source.ready else _read(source, index)
        return call(jax.tree.map(_everywhere, state), data, _everywhere(steps))

    model.train_function = train
    return cut.steps // cut.execution, elements


def evaluation(model: keras.Model, source: Source, batch: int) -> Callable[[], dict[str, float]]:
    """A function that returns the compiled loss and metrics over every row of the source."""
    whole, rest = divmod(source.size, batch)

    def inside(state, blocks, last):
        state, _ = lax.scan(lambda state, index: (_like(model.test_step(state, source.gather(index))[1], state), None), state, blocks)
        if rest:
            state = model.test_step(state, source.gather(last))[1]
        return _results(model, state[2])

    rows = np.arange(source.size, dtype=np.int32)
    blocks, last = rows[: whole * batch].reshape(whole, batch), rows[whole * batch :]
    call, step = _compiled(inside), _compiled(lambda state, data: model.test_step(state, data)[1])
    results = _compiled(lambda metrics: _results(model, metrics))
    at_once = source.ready and not _slow_in_loops(model)

    def evaluate() -> dict[str, float]:
        model.reset_metrics()
        groups = (model.trainable_variables, model.non_trainable_variables, model.metrics_variables)
        state = tuple([_everywhere(v.value) for v in group] for group in groups)
        if at_once:
            found = call(state, _divided(blocks, 1), _everywhere(last))
        else:
            for index in (*blocks, *([last] if rest else [])):
                state = step(state, jax.tree.map(_everywhere, source.gather(index)))
            found = results(state[2])
        return {name: float(value) for name, value in found.items()}

    return evaluate


def _slow_in_loops(model: keras.Model) -> bool:
    """Whether a step is best called by itself: XLA computes convolutions within a loop on a CPU some thirty times slower than outside."""
    kinds = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D, keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
    return jax.default_backend() == "cpu" and any(isinstance(layer, kinds) for layer in leaf_layers(model))


@cache
def mesh() -> Mesh | None:
    """All devices of all processes, or None where there is one alone."""
    return Mesh(np.array(jax.devices()), ("batch",)) if jax.device_count() > 1 else None


def _divided(values: np.ndarray, axis: int):
    """An array of which each device holds a part along `axis`; a process makes the parts of its own devices alone."""
    if mesh() is None:
        return values
    if values.shape[axis] % mesh().size:
        return _everywhere(values)
    sharding = NamedSharding(mesh(), PartitionSpec(*[None] * axis, "batch"))
    return jax.make_array_from_callback(values.shape, sharding, lambda part: values[part])


def _everywhere(values):
    """An array that every device of every process holds whole."""
    if mesh() is None or isinstance(values, jax.Array) and not values.is_fully_addressable:
        return values
    values = np.asarray(values)
    return jax.make_array_from_callback(values.shape, NamedSharding(mesh(), PartitionSpec()), lambda part: values[part])


def _read(source: Source, index: np.ndarray):
    """A block (1, B, …) of which each process reads the rows of its own devices alone."""
    if mesh() is None or index.shape[1] % mesh().size:
        return jax.tree.map(lambda column: _everywhere(np.asarray(column)[None]), source.gather(index[0]))
    own = [i for i, device in enumerate(mesh().devices) if device.process_index == jax.process_index()]
    rows = np.concatenate([shard(index[0], i, mesh().size) for i in own])
    sharding = NamedSharding(mesh(), PartitionSpec(None, "batch"))
    return jax.tree.map(lambda column: jax.make_array_from_process_local_data(sharding, np.asarray(column)[None]), source.gather(rows))


def _like(state, before):
    """A state of the structure and the types of the one before, as a loop needs it."""
    leaves, tree = jax.tree.flatten(before)
    return jax.tree.unflatten(tree, [jnp.asarray(new, old.dtype) for new, old in zip(jax.tree.leaves(state), leaves, strict=True)])


def _results(model: keras.Model, metrics: list) -> dict:
    with keras.StatelessScope(state_mapping=list(zip(model.metrics_variables, metrics))):
        return model.get_metrics_result()


def _compiled(function: Callable, donate: bool = False) -> Callable:
    """`jax.jit`, with the arrays that the function reads from outside as arguments: jit writes them into the program.

    donate: the first argument's memory is used for the result.
    """
    known: dict = {}

    def call(first, *rest):
        leaves, tree = jax.tree.flatten((first, rest))
        key = (tree, tuple((np.shape(leaf), str(leaf.dtype)) for leaf in leaves))
        if key not in known:
            traced, shape = jax.make_jaxpr(function, return_shape=True)(first, *rest)
            count = len(jax.tree.leaves(first))

            def flat(outside, own, others, traced=traced):
                return jaxpr_as_fun(ClosedJaxpr(traced.jaxpr, outside))(*own, *others)

            run = jax.jit(flat, donate_argnums=1 if donate else ())
            known[key] = run, [_everywhere(value) for value in traced.consts], jax.tree.structure(shape), count
        run, outside, structure, count = known[key]
        return jax.tree.unflatten(structure, run(outside, leaves[:count], leaves[count:]))

    return call
