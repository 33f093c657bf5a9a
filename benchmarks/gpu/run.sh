#!/usr/bin/env bash
# benchmarks/gpu/run.sh [--tiny]: the trainer on a GPU by JAX, beside a loop written by hand; writes benchmarks/results/gpu_measure.json.
# Needs the Python of the machine (PYTHON, by default python3) with JAX for its GPU, and this repository. TensorFlow is not used. What else
# is imported is pure Python or small, and is installed into .peers/gpu where it is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
needed="keras msgspec numpy PIL polars tokenizers h5py"
if ! "$python" -c "import importlib.util as u, sys; sys.exit(any(u.find_spec(name) is None for name in '$needed'.split()))"; then
  "$python" -m venv --system-site-packages .peers/gpu
  python=.peers/gpu/bin/python
  "$python" -m pip install --quiet "keras>=3.12" msgspec numpy Pillow polars tokenizers h5py scikit-learn
fi
export KERAS_BACKEND=jax PYTHONPATH=$PWD
"$python" -c "import jax; print(jax.devices())"
exec "$python" -m benchmarks.gpu.measure "$@"
