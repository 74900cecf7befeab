"""A look at the equations of a window by gradients alone, where the integrals over all of its cells have been found."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float64

from optide.ide.cells import after, onwards
from optide.ide.equations import Evaluation, left
from optide.ide.problem import Problem
from optide.ide.sweep import Node, Rules, at, decays, integral, of_cell, put, resting
from optide.ide.trees import magnitude
from optide.ide.window import Layout, Window
from optide.problem.optimizer import States


def residual(problem: Problem, window: Window, nodes: Node, i: Array, V: Sequence[States]) -> Float64[Array, " *S"]:
    """What the equation of node i leaves, by the memories in it and, at order 2, those a cell later."""

    def speed(k: int) -> Array:
        j, (theta, g) = window.s + (i + k).astype(float), (at(part, i + k + 1)[None] for part in nodes)
        return problem.speed(jnp.asarray(j)[None], theta, g, {name: value[None] for name, value in V[k].items()})

    mean = (speed(0) + speed(1)) / 2 if problem.order == 2 else speed(0)
    near = jax.lax.dynamic_slice_in_dim(nodes.theta, i, 3)
    return left(window._replace(s=window.s + i.astype(float)), near, problem.h * mean)[0]


def largest(problem: Problem, window: Window, rules: Rules, nodes: Node, found: States) -> Float64[Array, ""]:
    """The most that an equation leaves, where the integrals over all cells have been found."""
    ahead = Layout.of(problem).ahead

    def further(i: Array, V: States) -> States:
        return after(V, decays(of_cell(rules, i)), {name: value[i] for name, value in found.items()})

    def one(i: Array, now: tuple[States, Array]) -> tuple[States, Array]:
        V, most = now
        later = further(i + ahead, V)
        return later, jnp.maximum(most, magnitude(residual(problem, window, nodes, i, (V, later))))

    V = jax.lax.fori_loop(0, ahead, further, resting(problem, window, nodes.theta))
    most: Array = jax.lax.fori_loop(0, len(nodes.theta) - 2, one, (V, jnp.zeros(())))[1]
    return most


def evaluate(problem: Problem, window: Window, rules: Rules, nodes: Node, found: States) -> Evaluation:
    """The equations, where the integrals over all cells have been found: the memories are put in their place."""
    ahead = Layout.of(problem).ahead
    n, begun = len(nodes.theta) - 2, resting(problem, window, nodes.theta)

    def further(i: Array, now: tuple[States, States]) -> tuple[States, States]:
        V, found = now
        V = after(V, decays(of_cell(rules, i)), {name: value[i] for name, value in found.items()})
        return V, {name: put(value, i, V[name]) for name, value in found.items()}

    later: States = jax.lax.fori_loop(0, len(next(iter(found.values()))), further, (begun, found))[1]
    V = {name: jnp.concatenate([begun[name][None], value]) for name, value in later.items()}
    states = {name: value[ahead:] for name, value in V.items()}

    def one(i: Array, g: Array) -> Array:
        own = [{name: value[i + k] for name, value in states.items()} for k in range(problem.order)]
        # in the place of a gradient that no later equation has
        return put(g, i, residual(problem, window, nodes._replace(g=g), i, own))

    ends: States = {}
    if ahead * problem.order == 1:
        place = jnp.clip(jnp.asarray(window.last - window.s).astype(int), 0, n)

        def beyond() -> States:
            own = of_cell(rules, 0)
            along = onwards(jax.lax.dynamic_slice_in_dim(nodes.theta, place - 1, 3))
            before = {name: jnp.where(place == 0, begun[name], value[place - 1]) for name, value in later.items()}
            return after(before, decays(own), integral(problem, own, list(along), known=False))

        reached = (window.last >= window.s) & (window.last < window.s + n)
        ends = jax.lax.cond(reached, beyond, lambda: jax.tree.map(jnp.zeros_like, begun))
    seen = {name: value[:n] for name, value in states.items()}
    missing: Array = jax.lax.fori_loop(0, n, one, nodes.g)
    return Evaluation(missing[:n], nodes.theta, V, seen, ends)
