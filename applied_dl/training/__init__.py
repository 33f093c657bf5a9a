"""Training for every task: Keras `fit` underneath, batches as a pure function of the step, exact resume."""
