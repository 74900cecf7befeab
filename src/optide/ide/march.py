r"""The equations of the published scheme, and refinements of them, by Newton's method in windows of time.

An exponential kernel makes a memory a recursion (`optide.ide.equations`), so that the equations of one time
are coupled to the state a moment earlier and, weakly, to the next moment.  A window of time starts from a
state that is known; Newton's method starts from a prediction by an exponential midpoint rule and
solves a linear system, node by node, in each iteration.  The end of a window, which the time after it would
change, is given up: the next window starts before it.  Memory and cost are those of the window and linear
in time.  Derivatives with respect to everything that the problem is made of come from the linear
system at the solution (implicit function theorem), not from the iteration.
"""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from optide.base import progress
from optide.base.collector import paused
from optide.base.flags import known
from optide.ide import implicit, products
from optide.ide.advance import Marched, Piece, Span, advance, again, begin, lost, parted, result
from optide.ide.elimination import solve_rows
from optide.ide.equations import linearise
from optide.ide.kept import Kept
from optide.ide.newton import GOOD_ENOUGH
from optide.ide.problem import Observe, Problem, Result, Schedule, apart
from optide.ide.trees import zeros_of
from optide.ide.window import Layout, straight_on, whole
from optide.problem.optimizer import States
from optide.problem.tracing import PROGRAMS

LONG = 2**15
"""Nodes up to which a run goes, window by window, through a program that takes less time to compile."""
FEW = 2**16
"""Nodes of all such runs of a call up to which that is the faster one."""
AGAIN = 8
"""Windows after which the first way to solve one is tried again; else it is that which solved the one before."""
TOGETHER = 16
"""Windows of a call of the other one."""
QUICKLY_COMPILED: dict[str, Any] = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
    "xla_disable_hlo_passes": "while-loop-invariant-code-motion,simplify-while-loops",
}
IN_LITTLE_MEMORY: dict[str, Any] = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}
"""What XLA is told; the other order of operations needs half of the memory, and changes no bit."""


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def solve(problem: Problem, save_every: int = 1) -> Result:
    """Solve window after window in one program, and keep every `save_every`-th point of the grid."""
    last = problem.points - 1
    span = Span.of(problem, many=last > LONG and not problem.products and not problem.beside)
    windows, ways = span.windows(problem, last), products.ways(problem, traced=True)
    entries = -(-span.solved // save_every)

    def window(done: Marched) -> tuple[Marched, Piece]:
        return parted(problem, span, *advance(problem, span, done, ways))

    def more(carry: tuple[Marched, tuple[Any, ...]], _: None) -> tuple[tuple[Marched, tuple[Any, ...]], Any]:
        done, saved = carry
        s = done.window.s.astype(int)
        done, piece = window(done)
        # each window overwrites what the one before had only guarded
        first = -(-s // save_every)
        chosen = save_every * (first + jnp.arange(entries)) - s

        def save(old: Array, new: Array) -> Array:
            return jax.lax.dynamic_update_slice_in_dim(old, new.at[chosen].get(mode="clip"), first, 0)

        return (done, tuple(jax.tree.map(save, saved, tuple(piece[:3])))), piece.ends

    def nothing(leaf: Any) -> Array:
        return jnp.zeros((-(-(windows - 1) * span.kept // save_every) + entries, *leaf.shape[1:]), leaf.dtype)

    start = begin(problem, span)
    found = jax.eval_shape(window, start)[1]
    (done, (t, theta, states)), ends = jax.lax.scan(
        more, (start, jax.tree.map(nothing, tuple(found[:3]))), None, length=windows
    )
    rows = last // save_every + 1
    states = {name: value[:rows] for name, value in states.items()}
    return result(
        done, t[:rows], theta[:rows], continued(states, {n: v[-1] for n, v in ends.items()}, last, save_every)
    )


def continued(states: States, ends: States, last: int, save_every: int) -> States:
    """The memories with those of the last node, if it is saved, where the published scheme has them."""
    if last % save_every:
        return states
    return {name: value if name not in ends else value.at[-1].set(ends[name]) for name, value in states.items()}


@paused()
def run(problem: Problem, save_every: int = 1, observe: Observe | None = None) -> Result:
    """Solve window after window, with known numbers, through a program that serves intervals of any length."""
    ways = products.ways(problem)
    found = through(problem, ways, save_every, observe)
    for guard in products.GUARDS if problem.products else ():
        if found.converged:
            break
        further = through(replace(problem, guard=guard), ways, save_every, observe)
        found = min(further, found, key=lambda one: np.nan_to_num(one.residual, nan=np.inf))
    # where there are several solutions of a window, that of another way may be the one that goes on
    for turn in range(1, len(ways) if not problem.products else 0):
        if found.converged:
            break
        found = through(problem, ways[turn:], save_every, observe)
    return found


def through(problem: Problem, ways: tuple[str, ...], save_every: int, observe: Observe | None) -> Result:
    """The same, each window in the first of some ways that leads to a solution; it ends where not all is finite."""
    last = problem.points - 1
    many = last > LONG and not problem.products
    span, together = Span.of(problem, many), TOGETHER if many else 1
    windows, kept = span.windows(problem, last), span.kept
    served = replace(problem, objective=apart, schedule=None, points=0, nodes=0, end=np.asarray(last, float))
    if not problem.by_steps:
        served = replace(served, substeps=1, divided=np.asarray(problem.substeps, float))
    numbers = jax.tree.map(lambda leaf: np.asarray(leaf, float), served)
    # many nodes are worth it, and so is a gradient of many parameters
    quick = last <= LONG and problem.nodes <= FEW and problem.theta0.size <= products.MATRIX
    compiled = functools.partial(program, problem.objective, problem.schedule, many, quick)

    def further(done: Marched, begun: int) -> tuple[Marched, Piece, int, bool]:
        """The next windows, by the first way from one on that leads to them; its place, and whether it does."""
        for place in range(begun, len(ways)):
            found: Any = None  # before there is another
            # the program has the nodes for itself, and leaves in their place those of its window
            found = jax.device_get(compiled(ways[place])(numbers, done._replace(nodes=None), done.nodes))
            solved = bool(np.all(found[1].size <= GOOD_ENOUGH))
            if solved or lost(done):
                break
            if problem.products:
                done = again(span, done, jax.tree.map(lambda leaf: leaf[0], found[1]))
        return *found, place, solved

    way, done, saved = 0, begin(numbers, span), Kept(last // save_every + 1, observe, -(-span.solved // save_every))
    for first in range(0, windows, together):
        done, pieces, way, solved = further(done, way if first % AGAIN else 0)
        chosen = []
        for window in range(first, min(first + together, windows)):
            done, piece = parted(problem, span, done, jax.tree.map(lambda leaf, i=window - first: leaf[i], pieces))
            row, end = -(-window * kept // save_every), last + 1 if window == windows - 1 else (window + 1) * kept
            places = np.arange(row * save_every, end, save_every) - window * kept
            chosen.append((row, jax.tree.map(lambda leaf, places=places: leaf[places], piece[:3])))
        ends = jax.tree.map(np.copy, piece.ends)
        if problem.products:
            # of their own, as nothing else of a window of many parameters is to be kept
            done = jax.tree.map(jnp.array, done)
        del pieces, piece
        for row, rows in chosen:
            saved.add(row, rows, solved)
        del chosen, rows
        if saved.ended:  # there is no way on from what is no number
            break
        progress.tell(min(first + together, windows) / windows)
    if saved.ended and not problem.batched:
        saved.cut()
    elif saved.ended:  # one of many is as long as they are
        saved.lengthen(problem.t_start + problem.clock(save_every * np.arange(saved.until, saved.times, dtype=float)))
    _, theta, states = saved.last if observe else saved.rows
    for name, value in ends.items() if last % save_every == 0 and not saved.ended else ():
        states[name][-1] = value
    found = result(jax.device_get(done), saved.rows[0], theta, states)
    return found._replace(observed=saved.rows[1]) if observe else found


@functools.lru_cache(maxsize=PROGRAMS)
def program(
    objective: Callable[..., Array], schedule: Schedule | None, many: bool, quick: bool, way: str
) -> Callable[[Problem, Marched, Array | np.ndarray | None], tuple[Marched, Piece]]:
    """A compiled function that solves one window on an objective or, of many, the next `TOGETHER`.

    The `quick` one takes as little time to compile as can be, the other to run.
    """

    def solve(problem: Problem, done: Marched, nodes: Array | np.ndarray | None) -> tuple[Marched, Piece]:
        problem, done = replace(problem, objective=objective, schedule=schedule), done._replace(nodes=nodes)
        span = Span.of(problem, many, small=not many)
        if not many:
            done, piece = advance(problem, span, done, (way,))
            return done, jax.tree.map(lambda leaf: leaf[None], piece)

        def further(done: Marched, _: None) -> tuple[Marched, Piece]:
            s, last = done.window.s, done.window.last
            needed = (s == 0) | (last + Layout.of(problem).block > s - span.kept + span.solved)
            nothing = zeros_of(lambda done: advance(problem, span, done, (way,)), done)[1]
            found: tuple[Marched, Piece] = jax.lax.cond(
                needed, lambda: advance(problem, span, done, (way,)), lambda: (done, nothing)
            )
            return found

        return jax.lax.scan(further, done, None, length=TOGETHER)

    options = QUICKLY_COMPILED if quick else {} if many else IN_LITTLE_MEMORY
    compiled = known(options) if jax.default_backend() == "cpu" else None
    return jax.jit(solve, donate_argnums=2, compiler_options=compiled)


@solve.defjvp
def _differentiate(save_every: int, primals: tuple[Problem], tangents: tuple[Problem]) -> tuple[Result, Result]:
    """Implicit differentiation: the equations stay satisfied, equations' + linear X' = 0."""
    (problem,), (change,) = primals, tangents
    found = solve(problem, 1)
    layout, last = Layout.of(problem), problem.points - 1
    missing = max(layout.block, 2 * problem.substeps + 1 - last)
    X = jnp.concatenate([found.theta[1:], straight_on(jnp.asarray(found.theta), jnp.arange(1.0, missing + 1))])

    def observe(problem: Problem, X: Array) -> tuple[Array, tuple[Array, Array, States]]:
        seen = (implicit.see if problem.products else lambda *given: linearise(*given)[0])(problem, whole(problem), X)
        t = problem.t
        theta = jnp.concatenate([problem.theta0[None], X])[: last + 1]
        states = {name: value[: last + 1] for name, value in seen.states.items()}
        return seen.residual, (t, theta, continued(states, seen.ends, last, 1))

    if problem.products:
        along = implicit.implicit(problem, change, X)
    else:
        _, linear = linearise(problem, whole(problem), X)
        _, moved = jax.jvp(lambda problem: observe(problem, X)[0], (problem,), (change,))
        along = solve_rows(linear, moved.reshape(len(X), -1), layout.shift).x.reshape(X.shape)
    _, (_, shown) = jax.jvp(observe, (problem, X), (change, along))
    zeros = jax.tree.map(
        lambda leaf: jnp.zeros_like(leaf) if leaf.dtype == float else np.zeros(leaf.shape, jax.dtypes.float0), found
    )
    value, tangent = jax.tree.map(lambda leaf: leaf[::save_every], ((found.t, found.theta, found.state), shown))
    return (
        found._replace(t=value[0], theta=value[1], state=value[2]),
        zeros._replace(t=tangent[0], theta=tangent[1], state=tangent[2]),
    )
