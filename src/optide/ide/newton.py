"""A damped Newton's method for the equations of a window, from a prediction or, where that fails, from a part of it.

A part that has been solved is made longer by a block, as if theta went straight on after it, from the first of several
guesses of the block that leads to a solution; in the end the part is the window.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float64, Int

from optide.ide.elimination import solve_rows
from optide.ide.equations import Evaluation, linearise
from optide.ide.problem import Problem
from optide.ide.trees import choose, magnitude, zeros_of
from optide.ide.window import Layout, Window, over, straight_on

ENOUGH = 1e-14
"""What an equation may leave, relative to theta, at the end of Newton's method."""
GOOD_ENOUGH = 1e-12
"""The same, where no iteration makes it smaller."""
ORDINARY_GAIN = 4.0
"""The sum of the derivatives of an equation is 2 where theta' hardly depends on theta."""


class Effort(NamedTuple):
    """How long Newton's method goes on.

    Attributes:
        iterations: the most.
        smallest_step: of a damped one, as a fraction.
    """

    iterations: int
    smallest_step: float


QUICK, PATIENT = Effort(12, 0.05), Effort(60, 1e-4)
"""For a window from its prediction, and for a part of it."""
HISTORY = QUICK.iterations + PATIENT.iterations
"""The most iterations whose sizes are told."""
GUESSES = (1.0, 0.0, -1.0, 0.5, 2.0, -0.5, 0.25, -2.0, 0.1, -0.25, 4.0, -4.0)
"""Of the increment of a new block: these multiples of the last."""


class Seen(NamedTuple):
    """What the equations say of some nodes.

    Attributes:
        X: the nodes of the window.
        size: the largest residual, relative to theta and to how strongly the equation depends on it.  Where v -> 0 the
            velocity amplifies the rounding of theta by up to alpha f'' / eps: no theta in float64 makes the
            equation hold better than that.
        correction: of Newton's method.
        gain: how strongly each equation depends on theta, and 1 at least.
        left: the size by the gain of the nodes before.  That here may be so large, where theta has run away, that
            anything is small.
        sign: of the determinant.
        found: the evaluation.
    """

    X: Float64[Array, " n *S"]
    size: Float64[Array, ""]
    correction: Float64[Array, " n *S"]
    gain: Float64[Array, " n *S"]
    left: Float64[Array, ""]
    sign: Float64[Array, ""]
    found: Evaluation


class Iterate(NamedTuple):
    """As much of it as Newton's method goes on from; a size of infinity if nothing is known but the nodes."""

    X: Float64[Array, " n *S"]
    size: Float64[Array, ""]
    correction: Float64[Array, " n *S"]
    gain: Float64[Array, " n *S"]


class Search(NamedTuple):
    """Where Newton's method is.

    Attributes:
        part: blocks that are solved, the others going straight on; 0 for the whole window, from its prediction.
        guess: place in `GUESSES` of that of the last block of the part.
        solved: the part without that block.
        best: nodes and size, of the guesses.
        now: the last iterate.
        step: the fraction of its correction to try next.
        own: iterations of this guess.
        iterations: of all.
        sizes: after each iteration; after the last, the last.
        lost: the first equation that was no number when one of them was last; n if none ever was.
        last: whether only `best` is left to be looked at.
        seen: the last look.
        done: whether it was the last.
    """

    part: Int[Array, ""]
    guess: Int[Array, ""]
    solved: Float64[Array, " n *S"]
    best: tuple[Float64[Array, " n *S"], Float64[Array, ""]]
    now: Iterate
    step: Float64[Array, ""]
    own: Int[Array, ""]
    iterations: Int[Array, ""]
    sizes: Float64[Array, " i"]
    lost: Int[Array, ""]
    last: Bool[Array, ""]
    seen: Seen
    done: Bool[Array, ""]


def look(
    problem: Problem,
    window: Window,
    X: Float64[Array, " n *S"],
    before: tuple[Float64[Array, " n *S"], Float64[Array, ""], Bool[Array, ""]],
    small: bool,
) -> Seen:
    """What the equations, and Newton's method, say of some nodes.

    Args:
        before: `gain` and `sign` of the nodes before; and whether nothing more is asked for where the equations hold.
        small: whether it is computed all the same (see `newton`).
    """
    gain, sign, enough = before
    found, linear = linearise(problem, window, X)
    left = measure(window, found.residual, gain)

    def solve() -> tuple[Array, Array, Array]:
        solved = solve_rows(linear, found.residual.reshape(len(X), -1), Layout.of(problem).shift)
        gain = jnp.maximum(1.0, solved.gain.reshape(X.shape) / ORDINARY_GAIN)
        return solved.x.reshape(X.shape), gain, solved.sign

    same = jnp.zeros_like(X), gain, sign
    correction, gain, sign = solve() if small else jax.lax.cond(enough & (left <= ENOUGH), lambda: same, solve)
    return Seen(X, measure(window, found.residual, gain), correction, gain, left, sign, found)


def measure(window: Window, residual: Float64[Array, " n *S"], gain: Float64[Array, " n *S"]) -> Float64[Array, ""]:
    """The size of what is left."""
    return magnitude(residual / gain) / jnp.maximum(1.0, jnp.max(jnp.abs(window.before)))


def newton(problem: Problem, window: Window, prediction: Float64[Array, " n *S"], small: bool, patient: bool) -> Search:
    """Solve a window, as far as that can be done: the size of what was `seen` last tells.

    Args:
        small: whether the program is rather to be small, and quickly compiled, than to save an elimination.
        patient: whether, where the prediction does not lead to a solution, parts of the window do.
    """
    n, block, count = len(prediction), Layout.of(problem).block, np.arange(len(prediction))
    unknown = jnp.full((), jnp.inf, float)
    # the last block goes straight on, so that no equation depends on nodes beyond, whose changes elimination ignores
    last_of_all = jnp.minimum(window.last, window.s + (n - block))

    # traced once, for its shapes and in the loop
    @jax.jit
    def see(last: Array, X: Array, before: tuple[Array, Array, Array]) -> Seen:
        return look(problem, window._replace(last=last), X, before, small)

    def end(part: Array) -> Array:
        """The node up to which there are equations."""
        return jnp.where(part == 0, last_of_all, jnp.minimum(last_of_all, window.s + (block * part).astype(float)))

    def lengthened(solved: Array, part: Array, guess: Array) -> Array:
        """A part with a guess of its last block, and theta straight on after it."""
        known = block * (part - 1)
        nodes = jax.lax.dynamic_slice_in_dim(jnp.concatenate([window.before, solved]), known, 2)
        increments = straight_on(nodes, jnp.arange(1.0, block + 1)) - nodes[1:]
        # at the start of all there is no last increment
        increments = jnp.where(part == 1, prediction[:block] - nodes[1:], increments)
        new = nodes[1:] + jnp.asarray(GUESSES)[guess] * increments
        further = jnp.asarray(count - (known + block - 1), float)
        longer = jnp.where(
            over(count < known, solved.ndim), solved, straight_on(jnp.concatenate([nodes[1:], new]), further)
        )
        return jax.lax.dynamic_update_slice_in_dim(longer, new, known, 0)

    def advance(search: Search) -> Search:
        part, guess, now = search.part, search.guess, search.now
        whole = part == 0
        most, smallest = (jnp.where(whole, quick, patient) for quick, patient in zip(QUICK, PATIENT, strict=True))
        tried = jnp.where(jnp.isfinite(now.size) & (search.step == 1), 1, 0)
        own, iterations = search.own + tried, search.iterations + tried
        # an iteration even where the prediction would do: a bias adds up over many windows
        confirming = own > 0
        X = now.X + search.step * now.correction
        last_equation = end(part)
        seen = see(last_equation, X, (now.gain, search.seen.sign, confirming))
        left = seen.left
        better = (left < now.size) | (left <= ENOUGH)
        now = choose(better, Iterate(*seen[:4]), now)
        step = jnp.where(better, 1.0, search.step / 2)
        sizes = jnp.where(np.arange(HISTORY) >= iterations - 1, now.size, search.sizes)
        lost = jnp.min(jnp.where(jnp.isfinite(seen.found.residual), n, over(count, seen.X.ndim)))
        solved = confirming & (left <= ENOUGH)
        ended = solved | (~better & (step < smallest)) | (better & (own >= most))

        # what next
        best = choose((guess == 0) | (now.size < search.best[1]), (now.X, now.size), search.best)
        last, known, X = ended, search.solved, best[0]
        if patient:
            settled = (best[1] <= GOOD_ENOUGH) | ~whole & (guess + 1 >= len(GUESSES))
            last = ended & (whole | (last_equation >= last_of_all)) & settled
            longer = whole | settled
            known = choose(ended & longer, best[0], search.solved)
            part, guess = jnp.where(longer, part + 1, part), jnp.where(longer, 0, guess + 1)
            X = choose(last, best[0], lengthened(known, part, guess))
        other = Iterate(X, unknown, jnp.zeros_like(X), jnp.ones_like(X))
        return Search(
            jnp.where(ended & ~last, part, search.part),
            jnp.where(ended & ~last, guess, search.guess),
            known, best,
            choose(ended, other, now),
            jnp.where(ended, 1.0, step),
            jnp.where(ended, 0, own),
            iterations, sizes,
            jnp.where(lost < n, lost, search.lost),
            last, seen,
            search.last | (last & solved),
        )  # fmt: skip

    none, no = jnp.zeros((), int), jnp.zeros((), bool)
    begin = Iterate(prediction, unknown, jnp.zeros_like(prediction), jnp.ones_like(prediction))
    start = Search(
        none, none, prediction, (prediction, unknown), begin, jnp.ones(()), none, none, jnp.zeros(HISTORY),
        none + n, no, zeros_of(see, end(none), prediction, (prediction, unknown, no)), no
    )  # fmt: skip
    found: Search = jax.lax.while_loop(lambda search: ~search.done, advance, start)
    # where there is no solution and equations were no numbers, that is why
    known = (found.seen.size <= GOOD_ENOUGH) | (over(count, prediction.ndim) < found.lost)
    return found._replace(seen=found.seen._replace(X=jnp.where(known, found.seen.X, jnp.nan)))
