r"""The equations of the published scheme, and refinements of them, by Newton's method in windows of time.

An exponential kernel makes a memory a recursion (`optide.ide.blocks`), so that the equations of one time
are coupled to the state a moment earlier and, weakly, to the next moment.  A window of time starts from a
state that is known; Newton's method starts from a prediction by an exponential Euler method and
solves a linear system, block by block, in each iteration.  The end of a window, which the time after it would
change, is given up: the next window starts before it.  Memory and cost are those of the window and linear
in time.  Derivatives with respect to everything that the problem is made of come from the linear
system at the solution (implicit function theorem), not from the iteration.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

from optide.ide import blocks, elimination
from optide.ide.blocks import Layout, Past
from optide.ide.interpolation import cells
from optide.ide.problem import Problem, Result
from optide.optimizers import State

Array = jax.Array

WINDOW = 1024
"""Blocks of a window that are kept."""
SHORT_WINDOW = 128
"""The same where Newton's method has got stuck in a long one: there is less to do again."""
GUARD = 24
"""Blocks that are solved beyond them: each damps the influence of what comes after by 20 or more."""
ENOUGH = 1e-14
"""What an equation may leave, relative to theta, at the end of Newton's method."""
GOOD_ENOUGH = 1e-12
"""The same, where no iteration makes it smaller."""
ORDINARY_GAIN = 4.0
"""The sum of the derivatives of an equation is 2 where theta' hardly depends on theta."""
RECENT = 6
"""Where blocks are added one by one: so many are solved again with each new one."""
GUESSES = (1.0, 0.0, -1.0, 0.5, 2.0, -0.5, 0.25, -2.0, 0.1, -0.25, 4.0, -4.0)
"""Of the increment of a new block: these multiples of the last."""
TOLERANCE = 1e-10
"""What the sum of the equations up to any time may leave: then a solve has converged."""
QUICK = 12, 0.05
PATIENT = 60, 1e-4
"""Iterations of Newton's method, and the smallest step of a damped one, as a fraction: at first, and for a window
that has got stuck."""
HISTORY = QUICK[0] + PATIENT[0]
"""The most iterations of a window."""


def needed_blocks(problem: Problem, last: int | Array) -> int | Array:
    """The blocks up to the last node, and one beyond it, in which theta goes straight on."""
    return -(-last // Layout.of(problem).size) + 1


class Span(NamedTuple):
    """How the blocks of a problem are divided into windows; all static.

    Attributes:
        windows: their number.
        kept: blocks of a window before the next begins.
        blocks: blocks of a window.
    """

    windows: int
    kept: int
    blocks: int

    @classmethod
    def of(cls, problem: Problem, window: int) -> "Span":
        needed = needed_blocks(problem, problem.points - 1)
        windows = max(1, -(-(needed - GUARD) // window))
        if windows == 1:
            return cls(1, needed, needed)
        kept = -(-(needed - GUARD) // windows)
        return cls(-(-(needed - GUARD) // kept), kept, kept + GUARD)


class Window(NamedTuple):
    """Where the blocks of a window are in time.

    Attributes:
        past: of the first block.
        s: index of the node before it, a float.
        last: index of the last node; beyond it theta goes straight on.
    """

    past: Past
    s: Array
    last: Array

    def known(self, problem: Problem, X: Array) -> Past:
        """The past of the first block; at the start of all, it depends on that block and the next."""
        return choose(self.s == 0, blocks.start(problem, X[0], following(self.past.nodes, X)[0]), self.past)

    def places(self, problem: Problem, count: int) -> Array:
        """The index of the node before each block, (count,)."""
        return self.s + float(Layout.of(problem).size) * jnp.arange(count, dtype=float)


def whole(problem: Problem) -> Window:
    """All the time there is, as one window."""
    return Window(blocks.rest(problem), jnp.zeros(()), problem.last)


class Evaluation(NamedTuple):
    """The equations of a window for given nodes.

    Attributes:
        residual: what they leave, (n, q, *S).
        pasts: of each block, (n, ...).
        states: the memories in the equations, each (n, q, *S).
    """

    residual: Array
    pasts: Past
    states: State


def straight_on(nodes: Array, steps: Array) -> Array:
    """Theta `steps` (m,) nodes after the last of `nodes`, (n, *S), if it goes on as between the last two: (m, *S)."""
    before, last = nodes[-2:]
    return last[None] + steps.reshape(-1, *(1,) * last.ndim) * (last - before)[None]


def following(nodes: Array, X: Array) -> Array:
    """The block after each of the blocks X, (n, q, *S), that follow `nodes`; after the last, theta goes straight on."""
    n, q, *shape = X.shape
    all_nodes = jnp.concatenate([nodes, X.reshape(n * q, *shape)])
    return jnp.concatenate([X[1:], straight_on(all_nodes, jnp.arange(1.0, q + 1))[None]])


def evaluate(problem: Problem, window: Window, X: Array) -> Evaluation:
    """The equations of consecutive blocks X, (n, q, *S)."""
    n, q, *shape = X.shape
    past = window.known(problem, X)
    behind = len(past.nodes) - 1
    flat = jnp.concatenate([past.nodes, X.reshape(-1, *shape)])
    nodes = jnp.stack([flat[i : i + (n - 1) * q + 1 : q] for i in range(behind + 1)], axis=1)
    Y = following(past.nodes, X)
    places = window.places(problem, n)
    nothing = Past(nodes, dict.fromkeys(past.memory, jnp.zeros((n, *shape))))
    fresh = jax.vmap(functools.partial(blocks.remember, problem))(nothing, X, Y, places)
    decays = blocks.decay_over_block(problem, places)

    def recall(name):
        def advance(value, given):
            decay, new = given
            return decay * value + new, value

        return jax.lax.scan(advance, past.memory[name], (decays[name], fresh[name][:, -1]))[1]

    pasts = Past(nodes, {name: recall(name) for name in past.memory})
    each = jax.vmap(functools.partial(blocks.block, problem, last=window.last))
    residual, _, states = each(pasts, X, Y, places)
    return Evaluation(residual, pasts, states)


def linearise(
    problem: Problem, window: Window, pasts: Past, X: Array, quadrature: int = blocks.QUADRATURE_ORDER
) -> elimination.Linear:
    """The derivatives of the equations of a window, and of what each block passes on."""
    n, q, *shape = X.shape
    _, unravel = jax.flatten_util.ravel_pytree(jax.tree.map(lambda leaf: leaf[0], pasts))

    def ravel(tree):
        return jax.flatten_util.ravel_pytree(tree)[0]

    z, x, y = jax.vmap(ravel)(pasts), X.reshape(n, -1), following(pasts.nodes[0], X).reshape(n, -1)
    ends = np.cumsum([z.shape[1], x.shape[1], y.shape[1]])

    def of_block(change, z, x, y, s):
        z, x, y = (value + part for value, part in zip((z, x, y), jnp.split(change, ends[:-1]), strict=True))
        given = unravel(z), x.reshape(q, *shape), y.reshape(q, *shape)
        residual, past, _ = blocks.block(problem, *given, s, last=window.last, quadrature=quadrature)
        return residual.ravel(), ravel(past)

    def of_blocks(change):
        return jax.vmap(functools.partial(of_block, change))(z, x, y, window.places(problem, n))

    def of_start(x, y):
        return ravel(blocks.start(problem, x.reshape(q, *shape), y.reshape(q, *shape)))

    def parts(columns):
        return jnp.split(jnp.moveaxis(columns, 0, -1), ends[:-1], axis=-1)

    # Column after column, each of all blocks at once: of a Jacobian of a block, XLA computes anew for each number
    # what it shares with others.
    _, push = jax.linearize(of_blocks, jnp.zeros(ends[-1]))
    residual, passed = map(parts, jax.lax.map(push, jnp.eye(ends[-1])))
    from_start = jax.jacfwd(of_start, argnums=(0, 1))(x[0], y[0])
    begun = (jnp.where(window.s == 0, part, 0.0) for part in from_start)
    return elimination.begin(elimination.Linear(*residual, *passed), *begun)


def predict(problem: Problem, nodes: Array, memory: State, s: Array, count: int) -> Array:
    """An exponential midpoint rule from node s on: over a step, and ahead, the gradient is that halfway.

    Args:
        nodes: theta at the last two nodes or more, (n, *S); the last of them is node s.
        memory: at node s, each (*S).

    Returns:
        theta at the `count` nodes after s.
    """
    kernels = problem.optimizer.memories()
    reach = problem.lookahead * problem.substeps
    ahead = problem.lookahead * problem.optimizer.learning_rate

    def after(memory, g, span):
        def one(kernel, value):
            fading = jnp.exp(-kernel.rate * span)
            still = kernel.rate == 0
            mass = jnp.where(still, span, (1 - fading) / jnp.where(still, 1.0, kernel.rate))
            return fading * value + kernel.weight * mass * g**kernel.power

        return {name: one(kernels[name], value) for name, value in memory.items()}

    def step(carry, j):
        theta, before, memory = carry
        # as if theta went on ahead as in the last step
        seen = after(memory, problem.gradient(theta + reach / 2 * (theta - before)), ahead)
        increment = problem.h * problem.speed(j[None], theta[None], {k: v[None] for k, v in seen.items()})[0]
        span = problem.clock(j + 1) - problem.clock(j) if problem.stretched else problem.h
        memory = after(memory, problem.gradient(theta + increment / 2), span)
        return (theta + increment, theta, memory), theta + increment

    return jax.lax.scan(step, (nodes[-1], nodes[-2], memory), s + jnp.arange(count, dtype=float))[1]


class Iterate(NamedTuple):
    """A window that is being solved.

    Attributes:
        X: its blocks, (n, q, *S).
        found: their evaluation.
        size: the largest residual (see `measure`).
        count: iterations done.
        stuck: whether the last iteration found nothing better.
        sign: of the determinant of the last linear system.
        gain: how strongly each equation depends on theta, (n, q, *S), and 1 at least.
        sizes: (HISTORY,) the size after each iteration; after the last, the last.
    """

    X: Array
    found: Evaluation
    size: Array
    count: Array
    stuck: Array
    sign: Array
    gain: Array
    sizes: Array


def measure(window: Window, found: Evaluation, gain: Array) -> Array:
    """The largest residual, relative to theta and to how strongly the equation depends on it.

    Where v -> 0 the velocity amplifies the rounding of theta by up to alpha f'' / eps: no theta in
    float64 makes the equation hold better than that.
    """
    return jnp.max(jnp.abs(found.residual) / gain) / jnp.maximum(1.0, jnp.max(jnp.abs(window.past.nodes)))


def newton(problem: Problem, window: Window, now: Iterate, effort: tuple[Array, Array]) -> Iterate:
    """A damped Newton's method for a window, until it is solved or gets stuck.

    Args:
        effort: the number of iterations, and the smallest step.
    """
    iterations, smallest_step = effort

    def going_on(now):
        # the first iteration even where the prediction would do: a bias adds up over many windows
        return ((now.size > ENOUGH) | (now.count == 0)) & ~now.stuck & (now.count < iterations)

    def improve(now):
        linear = linearise(problem, window, now.found.pasts, now.X, blocks.NEWTON_ORDER)
        solved = elimination.solve_blocks(linear, now.found.residual.reshape(len(now.X), -1))
        gain = jnp.maximum(1.0, solved.gains.reshape(now.X.shape) / ORDINARY_GAIN)
        size = measure(window, now.found, gain)

        def too_far(trial):
            step, (_, _, new) = trial
            return ~((new < size) | (new <= ENOUGH)) & (step > smallest_step)

        def attempt(trial):
            step, _ = trial
            X = now.X + step * solved.x.reshape(now.X.shape)
            found = evaluate(problem, window, X)
            return step / 2, (X, found, measure(window, found, gain))

        _, new = jax.lax.while_loop(too_far, attempt, (1.0, (now.X, now.found, jnp.inf)))
        better = (new[2] < size) | (new[2] <= ENOUGH)
        new = choose(better, new, (now.X, now.found, size))
        sizes = jnp.where(jnp.arange(len(now.sizes)) < now.count, now.sizes, new[2])
        return Iterate(*new, now.count + 1, ~better, solved.sign, gain, sizes)

    return jax.lax.while_loop(going_on, improve, now)


def begin(problem: Problem, window: Window, X: Array) -> Iterate:
    """A window before the first iteration."""
    found = evaluate(problem, window, X)
    gain = jnp.ones_like(X)
    return Iterate(X, found, measure(window, found, gain), 0, False, 1.0, gain, jnp.zeros(HISTORY))


def grow(problem: Problem, window: Window, X: Array) -> Array:
    """Predict the blocks of a window one after the other, where Newton's method on all of them at once is stuck.

    Each new block is solved together with the `RECENT` ones before it, as if theta went straight on after it,
    from the first of several guesses that leads to a solution.  Blocks further back stay as they are.

    Args:
        X: another prediction, (n, q, *S), of which the first block is used.

    Returns:
        (n, q, *S).
    """
    count, q, first = *X.shape[:2], X[0]
    kept = min(RECENT, count - 1) + 1

    def add(carry, k):
        (past, s, _), X, pasts = carry
        oldest = X[0]
        # make room for it
        past, s, X, pasts = choose(
            k >= kept,
            (
                jax.tree.map(lambda leaf: leaf[1], pasts),
                s + q,
                *jax.tree.map(lambda leaf: jnp.roll(leaf, -1, axis=0), (X, pasts)),
            ),
            (past, s, X, pasts),
        )
        place = jnp.minimum(k, kept - 1)
        now = Window(past, s, jnp.minimum(window.last, s + q * (place.astype(float) + 1.0)))
        nodes = pasts.nodes[place]

        # how theta would go on: at first as predicted, as at the start of all there is no last increment
        increments = jnp.where(k == 0, first, straight_on(nodes, jnp.arange(1.0, q + 1))) - nodes[-1:]

        def going_on(tried):
            i, best = tried
            return (i == 0) | (i < len(GUESSES)) & ~(best.size <= GOOD_ENOUGH)

        def attempt(tried):
            i, best = tried
            own = nodes[-1:] + jnp.asarray(GUESSES)[i] * increments
            guess = straightened(X.at[place].set(own), nodes, place)
            solved = newton(problem, now, begin(problem, now, guess), PATIENT)
            return i + 1, choose((i == 0) | (solved.size < best.size), solved, best)

        _, solved = jax.lax.while_loop(going_on, attempt, (0, zeros_of(begin, problem, now, X)))
        return (now, solved.X, solved.found.pasts), oldest

    nothing = jnp.broadcast_to(window.past.nodes[-1], (kept + 1, q, *problem.theta0.shape))
    pasts = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (kept + 1, *leaf.shape)), window.past)
    (_, X, _), dropped = jax.lax.scan(add, (window, nothing, pasts), jnp.arange(count))
    return jnp.concatenate([dropped[kept:], X[:kept]])


def solve_window(problem: Problem, window: Window, X: Array, persistent: bool) -> Iterate:
    """Solve a window from a prediction X, (n, q, *S); where that fails and `persistent`, from a grown one."""

    def going_on(carry):
        attempts, now = carry
        return (attempts == 0) | (attempts == 1) & persistent & (now.size > GOOD_ENOUGH)

    def attempt(carry):
        attempts, before = carry
        guess = jax.lax.cond(attempts == 0, lambda: X, lambda: grow(problem, window, X)) if persistent else X
        effort = choose(attempts == 0, QUICK, PATIENT)
        now = newton(problem, window, begin(problem, window, guess), effort)
        place = jnp.arange(HISTORY)
        later = now.sizes[jnp.maximum(0, place - before.count)]
        sizes = jnp.where(place < before.count, before.sizes, later)
        return attempts + 1, now._replace(count=before.count + now.count, sizes=sizes)

    # one loop, so that Newton's method is compiled once
    return jax.lax.while_loop(going_on, attempt, (0, zeros_of(begin, problem, window, X)))[1]


def straightened(X: Array, before: Array, k: Array) -> Array:
    """The blocks X with theta going straight on after block k."""
    n, q, *shape = X.shape
    after = jnp.arange(n * q, dtype=float) - (q * k + q - 1).astype(float)
    beyond = straight_on(jnp.concatenate([before[-1:], X[k]]), after)
    return jnp.where((after > 0).reshape(n, q, *(1,) * len(shape)), beyond.reshape(X.shape), X)


def zeros_of(function: Callable, *arguments):
    """Zeros like what a function would return."""
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(function, *arguments))


def choose(condition: Array, one, other):
    """One of two trees of arrays."""
    return jax.tree.map(functools.partial(jnp.where, condition), one, other)


class Marched(NamedTuple):
    """What the windows have given so far.

    Attributes:
        past: of the next window.
        seen: the memories at its first node, from which it is predicted; each (*S).
        sums: of the equations up to there, (*S).
        saved: theta and the memories of its equation at the points to save; each window overwrites what
            the one before had only guarded.
        window: theta and memories at all nodes of the last window.
        residual: the largest sum of equations up to any time, relative to theta.
        sizes, count, sign: the worst of all windows (see `Iterate`).
        windows: their number.
    """

    past: Past
    seen: State
    sums: Array
    saved: tuple[Array, State]
    window: tuple[Array, State]
    residual: Array
    sizes: Array
    count: Array
    sign: Array
    windows: Array


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def solve(problem: Problem, save_every: int = 1, persistent: bool = True, window: int = WINDOW) -> Result:
    """Solve window after window, and keep every `save_every`-th point of the grid.

    Args:
        persistent: whether to go on, at any cost, where Newton's method gets stuck.
        window: blocks that are kept of each.
    """
    span, q, shape = Span.of(problem, window), Layout.of(problem).size, problem.theta0.shape
    kept, points = span.kept * q, span.blocks * q
    entries = -(-points // save_every)

    def advance(done: Marched, k):
        s = (k * kept).astype(float)
        X = predict(problem, done.past.nodes, done.seen, s, points).reshape(span.blocks, q, *shape)
        solved = solve_window(problem, Window(done.past, s, problem.last), X, persistent)
        found = solved.found
        theta = jnp.concatenate([found.pasts.nodes[0][-1:], solved.X.reshape(points, *shape)[:-1]])
        within = blocks.over(s + jnp.arange(points, dtype=float) <= problem.last, theta.ndim)
        size = jnp.max(jnp.abs(theta), initial=1.0, where=within)
        here = theta, {name: value.reshape(points, *shape) for name, value in found.states.items()}
        first = -(-k * kept // save_every)  # the first point to save, among those that are saved
        chosen = save_every * (first + jnp.arange(entries)) - k * kept

        def save(old, new):
            return jax.lax.dynamic_update_slice_in_dim(old, new.at[chosen].get(mode="clip"), first, 0)

        left = (found.residual / solved.gain).reshape(points, *shape)[:kept]
        total, sums = jax.lax.scan(lambda total, own: (total + own,) * 2, done.sums, left)
        residual = jnp.max(jnp.abs(sums)) / size
        place = kept - problem.lookahead * problem.substeps  # the equation whose memories end at the next node s
        return Marched(
            jax.tree.map(lambda leaf: leaf[span.kept % span.blocks], found.pasts),
            {name: value[min(place, points - 1)] for name, value in here[1].items()},
            total,
            jax.tree.map(save, done.saved, here),
            here,
            jnp.maximum(done.residual, residual),
            jnp.maximum(done.sizes, solved.sizes),
            jnp.maximum(done.count, solved.count),
            jnp.minimum(done.sign, solved.sign),
            done.windows + 1,
        )

    def advance_if_needed(done: Marched, k):
        if problem.end is None:
            return advance(done, k), None
        beyond = (k * span.kept).astype(float) >= needed_blocks(problem, problem.end) - GUARD
        return jax.lax.cond(beyond & (k > 0), lambda: done, lambda: advance(done, k)), None

    def nothing(count):
        theta = jnp.zeros((count, *shape))
        return theta, dict.fromkeys(problem.optimizer.memories(), theta)

    resting = jnp.broadcast_to(problem.theta0, (2 * problem.substeps + 1, *shape))
    begin = Marched(
        blocks.rest(problem),
        blocks.at_start(problem, resting),
        jnp.zeros(shape),
        nothing(-(-((span.windows - 1) * kept + points) // save_every) + 1),
        nothing(points),
        0.0,
        jnp.zeros(HISTORY),
        0,
        1.0,
        0,
    )
    done, _ = jax.lax.scan(advance_if_needed, begin, jnp.arange(span.windows))
    theta, states = jax.tree.map(lambda leaf: leaf[: (problem.points - 1) // save_every + 1], done.saved)
    states = continued(problem, states, done.window, (done.windows - 1) * kept, save_every)
    return Result(theta, states, done.residual <= TOLERANCE, done.count, done.residual, done.sizes, done.sign < 0)


def continued(problem: Problem, states: State, window: tuple[Array, State], s: Array, save_every: int = 1) -> State:
    """Set the memories beyond the last node to those of the published scheme, which continues the last piece.

    Args:
        states: each (n, *S) of saved points; the row of the last node is replaced, if there is one.
        window: theta and memories at all nodes of a window that has the last node.
        s: index of the first node of the window.
    """
    if problem.lookahead * problem.substeps * problem.order != 1:
        return states
    theta, memory = window
    last = jnp.asarray(problem.last).astype(int)
    place = last - s
    # with one node before, as theta goes straight back
    chain = jnp.concatenate([2 * theta[:1] - theta[1:2], theta])
    pieces = (piece[-1] for piece in cells(jax.lax.dynamic_slice_in_dim(chain, place - 1, 3)))
    integrals, decay = blocks.cell_integrals(problem, tuple(pieces), jnp.zeros(()))
    row = jnp.where(last % save_every == 0, last // save_every, problem.points)
    return {
        name: value.at[row].set(decay[name] * memory[name][place - 1] + integrals[name], mode="drop")
        for name, value in states.items()
    }


@solve.defjvp
def _differentiate(save_every, persistent, window, primals, tangents):
    """Implicit differentiation: the equations stay satisfied, equations' + linear X' = 0."""
    (problem,), (change,) = primals, tangents
    result = solve(problem, 1, persistent, window)
    q = Layout.of(problem).size
    missing = Span.of(problem, problem.points).blocks * q - (problem.points - 1)
    beyond = straight_on(result.theta, jnp.arange(1.0, missing + 1))
    X = jnp.concatenate([result.theta[1:], beyond]).reshape(-1, q, *problem.theta0.shape)

    def equations(problem, X):
        return evaluate(problem, whole(problem), X)

    def observe(problem, X):
        found = equations(problem, X)
        theta = jnp.concatenate([problem.theta0[None], X.reshape(-1, *problem.theta0.shape)])[: problem.points]
        states = {name: value.reshape(-1, *theta.shape[1:]) for name, value in found.states.items()}
        shown = {name: value[: problem.points] for name, value in states.items()}
        return theta, continued(problem, shown, (theta, states), 0)

    linear = linearise(problem, whole(problem), equations(problem, X).pasts, X)
    _, moved = jax.jvp(lambda problem: equations(problem, X).residual, (problem,), (change,))
    along = elimination.solve_blocks(linear, moved.reshape(len(X), -1)).x
    _, (theta, states) = jax.jvp(observe, (problem, X), (change, along.reshape(X.shape)))
    zeros = jax.tree.map(
        lambda leaf: jnp.zeros_like(leaf) if leaf.dtype == float else np.zeros(leaf.shape, jax.dtypes.float0), result
    )
    thin = jax.tree.map(lambda leaf: leaf[::save_every], (result.theta, result.state, theta, states))
    return result._replace(theta=thin[0], state=thin[1]), zeros._replace(theta=thin[2], state=thin[3])
