"""Solve a window of time: by products with the objective's derivatives alone, or by Newton's method."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float64, Int

from optide.ide.equations import Evaluation
from optide.ide.newton import HISTORY, Search, newton
from optide.ide.predict import predict
from optide.ide.problem import Problem
from optide.ide.settle import LOOKS, settle
from optide.ide.sweep import put
from optide.ide.window import Layout, Window

SWEEPS, CAREFUL, DAMPED, QUICK, NEWTON = "sweeps", "careful", "damped", "quick", "newton"
"""The ways: each is for where the one before fails, and takes longer."""
TRIALS = {SWEEPS: 0, CAREFUL: 30, DAMPED: 30}
"""Of a node in a sweep, to solve its equation for itself: so v may change by much within a step."""


class Size(NamedTuple):
    """How much of the time a window has, and how much of the past the sweeps have in mind; by the size of theta.

    Attributes:
        kept, guard: nodes, or as many blocks, as in `optide.ide.advance.Span`.
        depth: of Anderson's acceleration, in each way.
    """

    kept: int
    guard: int
    depth: dict[str, int]


USUAL, LEAN = Size(8, 4, {SWEEPS: 8, CAREFUL: 8, DAMPED: 8}), Size(4, 3, {SWEEPS: 0, CAREFUL: 2, DAMPED: 8})
LEANER = LEAN._replace(kept=2)
"""Where there are several memories, of each of which all nodes count: so a window takes 40 doubles for a parameter."""
GUARDS = (6, 12)
"""So many beyond windows of any size, in turn, where fewer do not damp what comes after them enough."""
STEPWISE = {"stepwise": (4, 3), "longer": (8, 8), "longest": (16, 12)}
"""Ways, too: Newton's method goes through a long window in short ones, of which so many nodes are kept and so many
blocks are solved beyond them."""
MATRIX = 64
"""Parameters up to which there is Newton's method, with the matrix of a window of this length."""
MANY = 4096
"""Parameters up to which memory is of no concern."""


def size_of(problem: Problem) -> Size:
    lean = LEAN if len(problem.optimizer.memories()) == 1 else LEANER
    size = USUAL if problem.theta0.size <= MANY else lean
    return size._replace(guard=problem.guard) if problem.guard else size


def lengths(problem: Problem, kept: int, guard: int) -> tuple[int, int]:
    """The nodes that are kept and all that are solved, where it is to be so many and so many blocks; whole blocks."""
    block = Layout.of(problem).block
    least = 2 * problem.substeps if problem.by_steps else 1
    kept = -(-max(kept, least) // block) * block
    return kept, kept + guard * block


class Answer(NamedTuple):
    """What is known of a window in the end.

    Attributes:
        X: the nodes after s.
        found: the evaluation.
        gain: how strongly each equation depends on theta, and 1 at least.
        size: the largest residual, in these units and relative to theta.
        sizes, iterations, sign: see `optide.ide.newton.Search`.
    """

    X: Float64[Array, " n *S"]
    found: Evaluation
    gain: Float64[Array, " n *S"]
    size: Float64[Array, ""]
    sizes: Float64[Array, " i"]
    iterations: Int[Array, ""]
    sign: Float64[Array, ""]


def ways(problem: Problem, traced: bool = False) -> tuple[str, ...]:
    """Those that there are, the first one first; `traced`, where all are compiled whether they are needed or not."""
    if not problem.products:
        if traced:
            return (QUICK,) if problem.beside else (QUICK, *list(STEPWISE)[:1])
        # a single solve waits for what is compiled, a batch for what is run
        return (QUICK, *STEPWISE) if problem.batched else (NEWTON, *STEPWISE)
    found = (SWEEPS, CAREFUL, NEWTON if problem.theta0.size <= MATRIX else DAMPED)
    return found[:1] if problem.beside else found


def by_sweeps(
    problem: Problem, window: Window, nodes: Float64[Array, " m *S"], scale: Float64[Array, ""], way: str
) -> Answer:
    """By sweeps, from a prediction of the nodes from s - 1 on (see `settle`)."""
    depth = size_of(problem).depth[way]
    found, seen = settle(problem, window, nodes, scale, depth=depth, trials=TRIALS[way], damped=way == DAMPED)
    sizes = jnp.concatenate([found.sizes, jnp.broadcast_to(found.size, HISTORY - LOOKS)])
    X = seen.nodes[2:]
    return Answer(X, seen, jnp.ones_like(X), found.size, sizes, found.looks, jnp.ones(()))


def by_newton(problem: Problem, window: Window, n: int, small: bool, way: str) -> Answer:
    """By Newton's method, from a prediction."""
    X = predicted_stepwise(problem, window, n, way) if way in STEPWISE else predict(problem, window, n)
    answer = _answer(newton(problem, window, X, small, patient=way == NEWTON))
    if not problem.products:
        return answer
    # those of the answer, as by sweeps: they may be no numbers, and none is beyond the window
    return answer._replace(found=answer.found._replace(nodes=jnp.concatenate([answer.found.nodes[:2], answer.X])))


def predicted_stepwise(problem: Problem, window: Window, n: int, way: str) -> Float64[Array, " n *S"]:
    """The nodes of a window, by Newton's method in short windows, one after another.

    Each starts from what is solved, so that few steps ahead are unknown: where v changes by much within a step, what is
    predicted of many leads nowhere.
    """
    kept, solved = lengths(problem, *STEPWISE[way])

    def further(window: Window, _: None) -> tuple[Window, Array]:
        guess = predict(problem, window, solved)
        answer = _answer(newton(problem, window, guess, small=True, patient=True))
        return answer.found.window(window, kept), answer.X[:kept]

    start = jax.tree.map(jnp.asarray, window)
    X: Array = jax.lax.scan(further, start, None, length=-(-n // kept))[1]
    return X.reshape(-1, *problem.theta0.shape)[:n]


def _answer(search: Search) -> Answer:
    seen = search.seen
    return Answer(seen.X, seen.found, seen.gain, seen.size, search.sizes, search.iterations, seen.sign)


def continued(nodes: Float64[Array, " m *S"], count: int) -> Float64[Array, " m *S"]:
    """The nodes from so many further on and, as far as there are none, along a parabola through those before."""
    have = len(nodes) - count

    def one(i: Array, nodes: Array) -> Array:
        near = [nodes[jnp.maximum(i - k, 0)] for k in (1, 2, 3)]
        further = 3 * (near[0] - near[1]) + near[2]
        return put(nodes, i, jnp.where(i < have, nodes[jnp.minimum(i + count, len(nodes) - 1)], further))

    found: Array = jax.lax.fori_loop(0, len(nodes), one, nodes)
    return found


def predicted(problem: Problem, window: Window, nodes: Float64[Array, " m *S"]) -> Float64[Array, " m *S"]:
    """The nodes from s - 1 on from which the sweeps start.

    Args:
        nodes: as they are continued, or at the start of all, and where another way has failed, unknown after s.
    """
    nothing = (window.s == 0) | ~jnp.all(jnp.isfinite(nodes[2]))
    # a copy, before anything else is there: of nodes that are changed in one way, there would be two all along
    X = jax.lax.cond(nothing, lambda: predict(problem, window, len(nodes) - 2), lambda: nodes[2:])
    found: Array = jax.lax.dynamic_update_slice_in_dim(nodes, X, 2, 0)
    return found
