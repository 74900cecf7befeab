"""optax, told to follow the paper: accumulators from 0, eps outside the root."""

import jax
import jax.numpy as jnp
import optax

from optide import AdaGrad, Adam, RMSProp

ADAGRAD_EPS = 1e-138
"""That of AdaGrad where it is compared with optax, which has eps inside the root only, and here none."""


def steps_of_optax(optimizer, gradient, theta0, steps):
    """The path of an optimizer, (steps, *S)."""
    rate = optimizer.learning_rate
    match optimizer:
        case AdaGrad():
            transform = optax.adagrad(rate, initial_accumulator_value=0.0, eps=0.0)
        case RMSProp():
            transform = optax.rmsprop(rate, optimizer.beta, optimizer.eps, eps_in_sqrt=False)
        case Adam():
            transform = optax.adam(rate, optimizer.beta1, optimizer.beta2, optimizer.eps)

    def update(carry, _):
        theta, state = carry
        change, state = transform.update(gradient(theta), state, theta)
        return (optax.apply_updates(theta, change), state), theta

    theta0 = jnp.asarray(theta0)
    with jax.numpy_dtype_promotion("standard"):  # optax mixes integers and floats
        return jax.lax.scan(update, (theta0, transform.init(theta0)), length=steps)[1]
