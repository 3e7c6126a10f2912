"""Writes presets.txt, what other frameworks draw for a linear layer of 300 inputs and 200 outputs.

    python presets.py       # needs dm-haiku, equinox, flax, jax, keras, mlx[cpu] and tinygrad

Written with dm-haiku 0.0.17, equinox 0.13.8, flax 0.12.8, jax 0.10.2, keras 3.15.1, mlx 0.32.4,
tinygrad 0.14.0. A line after the first: the framework, weight or bias, how many numbers were drawn,
the least and the greatest, the mean of their squares, and the 15 quantiles at 1/16 to 15/16, all
times √300. The numbers of a bias that is 0 are left out.
"""

import os
from importlib.metadata import version

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["DEV"] = "PYTHON"  # tinygrad without clang: two minutes a layer, so one layer
import equinox
import haiku
import jax
import jax.numpy as jnp
import keras
import mlx.core as mx
import mlx.nn
import numpy as np
import tinygrad.nn
from flax import nnx
from tinygrad import Tensor

N, M = 300, 200


def of_haiku(seed):
    layer = haiku.transform(lambda x: haiku.Linear(M)(x))
    values = layer.init(jax.random.PRNGKey(seed), jnp.zeros((1, N)))["linear"]
    return values["w"], values["b"]


def of_equinox(seed):
    layer = equinox.nn.Linear(N, M, key=jax.random.PRNGKey(seed))
    return layer.weight, layer.bias


def of_flax(seed):
    layer = nnx.Linear(N, M, rngs=nnx.Rngs(seed))
    return layer.kernel[...], layer.bias[...]


def of_keras(seed):
    keras.utils.set_random_seed(seed)
    layer = keras.layers.Dense(M)
    layer.build((None, N))
    return layer.kernel, layer.bias


def of_mlx(seed):
    mx.random.seed(seed)
    layer = mlx.nn.Linear(N, M)
    return layer.weight, layer.bias


def of_tinygrad(seed):
    Tensor.manual_seed(seed)
    layer = tinygrad.nn.Linear(N, M)
    return layer.weight.numpy(), layer.bias.numpy()


names = ["dm-haiku", "equinox", "flax", "jax", "keras", "mlx", "numpy", "tinygrad"]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "presets.txt"), "w") as out:
    print("written-by", *(f"{name}-{version(name)}" for name in names), file=out)
    for name, layer, layers in [("haiku", of_haiku, 20), ("equinox", of_equinox, 20), ("flax", of_flax, 20),
                                ("keras", of_keras, 20), ("mlx", of_mlx, 20), ("tinygrad", of_tinygrad, 1)]:
        drawn = [layer(seed) for seed in range(layers)]
        for what, parts in zip(["weight", "bias"], zip(*drawn)):
            x = np.concatenate([np.asarray(part, dtype=np.float64).ravel() for part in parts]) * np.sqrt(N)
            if not x.any():
                print(name, what, 0, file=out)
                continue
            numbers = [x.min(), x.max(), np.mean(x * x), *np.quantile(x, np.arange(1, 16) / 16)]
            print(name, what, len(x), *(f"{y:.7g}" for y in numbers), file=out)
