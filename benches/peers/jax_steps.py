"""The measurements of JAX: jit, donated buffers, optax."""

import itertools
import os

import common
from common import measure

options = common.options()
# JAX has no setting for its CPU threads. At import it starts one for each core it may run on.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import optax  # noqa: E402


def make_params(net):
    params = []
    keys = jax.random.split(jax.random.key(0), (len(net.sizes) - 1, 2))
    for (inputs, outputs), (w, b) in zip(itertools.pairwise(net.sizes), keys):
        bound = inputs**-0.5
        w = jax.random.uniform(w, (inputs, outputs), minval=-bound, maxval=bound)
        b = jax.random.uniform(b, (outputs,), minval=-bound, maxval=bound)
        params.append((w, b))
    return params


def make_forward(net):
    activation = jnp.tanh if net.tanh else jax.nn.relu

    def forward(params, x):
        for w, b in params[:-1]:
            x = activation(x @ w + b)
        w, b = params[-1]
        return x @ w + b

    return forward


def train(net, forward, params):
    """Measures and returns the trained parameters."""
    optimizer = optax.adam(1e-3) if net.adam else optax.sgd(0.01, momentum=0.9)

    def loss_of(params, x, y):
        out = forward(params, x)
        if net.is_regression:
            return ((out - y) ** 2).mean()
        return optax.softmax_cross_entropy_with_integer_labels(out, y).mean()

    def update(state, x, y):
        params, memory = state
        loss, grads = jax.value_and_grad(loss_of)(params, x, y)
        updates, memory = optimizer.update(grads, memory, params)
        return (optax.apply_updates(params, updates), memory), loss

    update = jax.jit(update, donate_argnums=0)
    x = jnp.array(net.inputs(net.batch))
    y = jnp.full((net.batch, 1), 0.5) if net.is_regression else jnp.array(net.labels())
    state = None

    def start():
        nonlocal state
        # A step donates its buffers, so it gets a copy.
        copy = jax.tree.map(jnp.copy, params)
        state = jax.block_until_ready((copy, optimizer.init(copy)))

    def step():
        nonlocal state
        state, loss = update(state, x, y)
        return jax.block_until_ready((state, loss))[1]

    common.train("jax", net, options, start, step)
    return state[0]


def main():
    for net in options.net:
        params, forward = make_params(net), make_forward(net)
        if "train" in options.what:
            params = train(net, forward, params)
        predict = jax.jit(forward)
        for what, rows in [("one", 1), ("many", 1024)]:
            if what in options.what:
                x = jnp.array(net.inputs(rows))
                timing = measure(options.seconds, lambda: predict(params, x).block_until_ready())
                common.report("jax", what, net.text, options.threads, timing)


main()
