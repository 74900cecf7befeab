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
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64, Int

from optide.base.collector import paused
from optide.ide.elimination import solve_rows
from optide.ide.equations import linearise
from optide.ide import krylov, products
from optide.ide.newton import GOOD_ENOUGH, HISTORY, newton
from optide.ide.predict import predict
from optide.ide.products import Answer
from optide.ide.problem import PROGRAMS, Problem, Result, apart
from optide.ide.trees import zeros_of
from optide.ide.window import Layout, Window, over, straight_on, whole
from optide.problem.optimizer import States

KEPT, KEPT_OF_MANY = 64, 1024
"""Nodes of a window that are kept, or a few more: usually, and of runs that are longer than `SHORT`.  Long windows take
less time; short ones are solved more easily where v -> 0, as each starts from what is known to be at rest."""
GUARD = 24
"""Nodes, or as many blocks, that are solved beyond them: each damps the influence of what comes after by 20 or more."""
TOLERANCE = 1e-10
"""What the sum of the equations up to any time may leave: then a solve has converged."""
SHORT = 2**15
"""Nodes up to which the program that takes less time to compile is the faster one."""
TOGETHER = 16
"""Windows of a call of the other one."""


class Span(NamedTuple):
    """How the nodes of a problem are divided into windows; all static.

    Attributes:
        kept: nodes of a window before the next begins.
        solved: nodes of a window.
        small: whether the program is rather to be small than quick to run.
    """

    kept: int
    solved: int
    small: bool

    @classmethod
    def of(cls, problem: Problem, many: bool, small: bool = False) -> "Span":
        block = Layout.of(problem).block
        size = products.size_of(problem) if problem.products else None
        most, guard = (size.kept, size.guard) if size else (KEPT_OF_MANY if many else KEPT, GUARD)
        kept = -(-max(most, 2 * problem.substeps) // block) * block
        return cls(kept, kept + guard * block, small)

    def windows(self, problem: Problem, last: int) -> int:
        """How many, so that the last of them has all that the equations up to the last node refer to."""
        return 1 + max(0, -(-(last + Layout.of(problem).block - self.solved) // self.kept))


class Marched(NamedTuple):
    """What the windows have given so far.

    Attributes:
        window: the next.
        guess: of its nodes, where it is solved by products.
        sums: of the equations up to there.
        residual: the largest sum of equations up to any time, relative to theta.
        sizes, iterations, sign: the worst of all windows (see `Search`).
    """

    window: Window
    guess: Float64[Array | np.ndarray, " n *S"] | None
    sums: Float64[Array | np.ndarray, " *S"]
    residual: Float64[Array | np.ndarray, ""]
    sizes: Float64[Array | np.ndarray, " i"]
    iterations: Int[Array | np.ndarray, ""]
    sign: Float64[Array | np.ndarray, ""]


class Piece(NamedTuple):
    """What is found at the nodes of a window, those that are given up as well, and `ends` (see `Evaluation`).

    The size is that of the largest residual.
    """

    t: Float64[Array | np.ndarray, " n"]
    theta: Float64[Array | np.ndarray, " n *S"]
    states: Mapping[str, Float64[Array | np.ndarray, " n *S"]]
    ends: Mapping[str, Float64[Array | np.ndarray, " *S"]]
    size: Float64[Array | np.ndarray, ""]


def begin(problem: Problem, span: Span) -> Marched:
    """Before the first window."""
    none = np.zeros(())
    guess = np.zeros((span.solved, *problem.theta0.shape)) if problem.products else None
    return Marched(
        whole(problem), guess, np.zeros(problem.theta0.shape), none, np.zeros(HISTORY), np.zeros((), int), np.ones(())
    )


def solved(problem: Problem, done: Marched, span: Span, ways: tuple[str, ...]) -> Answer:
    """One window; by products, in one way or, where it fails, in another."""
    window, n = done.window, span.solved
    if not problem.products:
        search = newton(problem, window, predict(problem, window, n), span.small)
        seen = search.seen
        return Answer(seen.X, seen.found, seen.gain, seen.size, search.sizes, search.iterations, seen.sign)

    def by_newton() -> Answer:
        return products.by_newton(problem, window, n)

    if products.SWEEPS not in ways:
        return by_newton()
    answer = products.by_sweeps(problem, window, products.predicted(problem, window, jnp.asarray(done.guess)))
    if products.NEWTON not in ways:
        return answer
    better: Answer = jax.lax.cond(answer.size <= GOOD_ENOUGH, lambda: answer, by_newton)
    return better


def advance(
    problem: Problem, span: Span, done: Marched, ways: tuple[str, ...] = (products.SWEEPS, products.NEWTON)
) -> tuple[Marched, Piece]:
    """Solve one window."""
    window, kept, n = done.window, span.kept, span.solved
    answer = solved(problem, done, span, ways)
    found = answer.found
    theta = jnp.concatenate([window.before[1:], answer.X[:-1]])
    place = np.arange(n, dtype=float)
    within = over(window.s + place <= window.last, theta.ndim)
    size = jnp.maximum(1.0, jnp.max(jnp.where(within, jnp.abs(theta), 0.0)))
    # of the nodes that are kept, which of the last window are all
    own = (place < kept) | (window.last + Layout.of(problem).block <= window.s + n)
    left = jnp.where(over(own, theta.ndim), found.residual / answer.gain, 0.0)

    def add(total: Array, own: Array) -> tuple[Array, Array]:
        return total + own, jnp.max(jnp.abs(total + own))

    total, sums = jax.lax.scan(add, jnp.asarray(done.sums), left)
    after = Window(
        found.nodes[kept : kept + 2], {name: value[kept] for name, value in found.memory.items()},
        window.s + kept, window.last,
    )  # fmt: skip
    marched = Marched(
        after,
        products.continued(answer.X, kept) if problem.products else None,
        total,
        jnp.maximum(done.residual, jnp.max(sums) / size),
        jnp.maximum(done.sizes, answer.sizes),
        jnp.maximum(done.iterations, answer.iterations),
        jnp.minimum(done.sign, answer.sign),
    )
    t = problem.t_start + problem.clock(window.s + place)
    return marched, Piece(t, theta, found.states, found.ends, answer.size)


def result(
    done: Marched, t: Array | np.ndarray, theta: Array | np.ndarray, state: Mapping[str, Array | np.ndarray]
) -> Result:
    """What all windows have given."""
    return Result(
        t, theta, state, done.residual <= TOLERANCE, done.iterations, done.residual, done.sizes, done.sign < 0
    )


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def solve(problem: Problem, save_every: int = 1) -> Result:
    """Solve window after window in one program, and keep every `save_every`-th point of the grid."""
    last = problem.points - 1
    span = Span.of(problem, many=last > SHORT and not problem.products)
    windows = span.windows(problem, last)
    entries = -(-span.solved // save_every)

    def more(carry: tuple[Marched, tuple[Any, ...]], _: None) -> tuple[tuple[Marched, tuple[Any, ...]], Any]:
        done, saved = carry
        s = done.window.s.astype(int)
        done, (*found, ends, _) = advance(problem, span, done)
        # each window overwrites what the one before had only guarded
        first = -(-s // save_every)
        chosen = save_every * (first + jnp.arange(entries)) - s

        def save(old: Array, new: Array) -> Array:
            return jax.lax.dynamic_update_slice_in_dim(old, new.at[chosen].get(mode="clip"), first, 0)

        return (done, tuple(jax.tree.map(save, saved, tuple(found)))), ends

    def nothing(leaf: Any) -> Array:
        return jnp.zeros((-(-(windows - 1) * span.kept // save_every) + entries, *leaf.shape[1:]), leaf.dtype)

    start = begin(problem, span)
    found = jax.eval_shape(functools.partial(advance, problem, span), start)[1]
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
def run(problem: Problem, save_every: int = 1) -> Result:
    """Solve window after window, with known numbers, through a program that serves intervals of any length."""
    last = problem.points - 1
    many = last > SHORT and not problem.products
    span, together = Span.of(problem, many), TOGETHER if many else 1
    windows, kept = span.windows(problem, last), span.kept
    served = replace(problem, objective=apart, points=0, end=np.asarray(last, float))
    numbers = jax.tree.map(lambda leaf: np.asarray(leaf, float), served)
    done, saved = begin(numbers, span), []
    for first in range(0, windows, together):
        before = done
        done, pieces = jax.device_get(program(problem.objective, many)(numbers, done))
        if problem.products and not np.all(pieces.size <= GOOD_ENOUGH):
            done, pieces = jax.device_get(program(problem.objective, many, (products.NEWTON,))(numbers, before))
        for window in range(first, min(first + together, windows)):
            piece = jax.tree.map(lambda leaf, i=window - first: leaf[i], pieces)
            end = last + 1 if window == windows - 1 else (window + 1) * kept
            places = np.arange(-(-window * kept // save_every) * save_every, end, save_every) - window * kept
            saved.append(jax.tree.map(lambda leaf, places=places: leaf[places], piece[:3]))
    t, theta, states = jax.tree.map(lambda *leaves: np.concatenate(leaves), *saved)
    for name, value in piece.ends.items() if last % save_every == 0 else ():
        states[name][-1] = value
    return result(done, t, theta, states)


@functools.lru_cache(maxsize=PROGRAMS)
def program(objective: Callable[..., Array], many: bool, ways: tuple[str, ...] = (products.SWEEPS,)) -> Callable[[Problem, Marched], tuple[Marched, Piece]]:
    """A compiled function that solves one window, or the next `TOGETHER`, on an objective.

    The first takes as little time to compile as can be, the second to run.
    """

    def solve(problem: Problem, done: Marched) -> tuple[Marched, Piece]:
        problem = replace(problem, objective=objective)
        span = Span.of(problem, many, small=not many)
        if not many:
            done, piece = advance(problem, span, done, ways)
            return done, jax.tree.map(lambda leaf: leaf[None], piece)

        def further(done: Marched, _: None) -> tuple[Marched, Piece]:
            s, last = done.window.s, done.window.last
            needed = (s == 0) | (last + Layout.of(problem).block > s - span.kept + span.solved)
            nothing = zeros_of(functools.partial(advance, problem, span), done)[1]
            found: tuple[Marched, Piece] = jax.lax.cond(
                needed, lambda: advance(problem, span, done), lambda: (done, nothing)
            )
            return found

        return jax.lax.scan(further, done, None, length=TOGETHER)

    quick = {
        "xla_backend_optimization_level": 0,
        "xla_cpu_use_fusion_emitters": False,
        "xla_cpu_parallel_codegen_split_count": 1,
        "xla_disable_hlo_passes": "while-loop-invariant-code-motion,simplify-while-loops",
    }
    return jax.jit(solve, compiler_options=None if many or jax.default_backend() != "cpu" else quick)


@solve.defjvp
def _differentiate(save_every: int, primals: tuple[Problem], tangents: tuple[Problem]) -> tuple[Result, Result]:
    """Implicit differentiation: the equations stay satisfied, equations' + linear X' = 0."""
    (problem,), (change,) = primals, tangents
    found = solve(problem, 1)
    layout, last = Layout.of(problem), problem.points - 1
    missing = max(layout.block, 2 * problem.substeps + 1 - last)
    X = jnp.concatenate([found.theta[1:], straight_on(jnp.asarray(found.theta), jnp.arange(1.0, missing + 1))])

    def observe(problem: Problem, X: Array) -> tuple[Array, tuple[Array, Array, States]]:
        seen = (krylov.see if problem.products else lambda *given: linearise(*given)[0])(problem, whole(problem), X)
        t = problem.t
        theta = jnp.concatenate([problem.theta0[None], X])[: last + 1]
        states = {name: value[: last + 1] for name, value in seen.states.items()}
        return seen.residual, (t, theta, continued(states, seen.ends, last, 1))

    if problem.products:
        along = krylov.implicit(problem, change, X)
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
