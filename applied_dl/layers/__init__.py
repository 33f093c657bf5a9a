"""Keras layers used by more than one task: activations, blocks, augmentation and whitening."""
