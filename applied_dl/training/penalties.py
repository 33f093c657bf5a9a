"""L1 and L2 penalties on kernels, added to the gradient, so that the losses that are shown and compared stay the data's own.

l1·Σ|w| + l2·Σw² as in `keras.regularizers`. Under Adam this is not weight decay: the penalty is scaled with the gradient (Loshchilov and
Hutter, Decoupled Weight Decay Regularization, 2019), which is why both exist.
"""

from __future__ import annotations

from keras import ops


def penalised(kind: type, l1: float | None, l2: float | None) -> type:
    """The optimiser class `kind` with the gradient of the penalties added; `kind` itself where both are 0 or None."""
    if not l1 and not l2:
        return kind

    class Penalised(kind):
        def apply(self, gradients, trainable_variables=None):
            variables = self._trainable_variables if trainable_variables is None else trainable_variables
            changed = [self._penalty(g, v) if v.name == "kernel" and g is not None else g for g, v in zip(gradients, variables)]
            return super().apply(changed, trainable_variables)

        def _penalty(self, gradient, variable):
            weight = ops.cast(variable, gradient.dtype)
            return gradient + (l1 or 0.0) * ops.sign(weight) + 2 * (l2 or 0.0) * weight

    return Penalised
