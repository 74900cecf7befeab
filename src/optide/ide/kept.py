"""What is kept of a solution, as one window after another is solved."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import Array
from jaxtyping import Float64

from optide.ide.problem import Observe
from optide.problem.finite import finite_at
from optide.problem.tracing import PROGRAMS


class Kept:
    """Times of a solution, and what there is at each: theta and the states, or what is observed of theta.

    Attributes:
        times: how many there are to be.
        until: how many are known: up to the first at which not all is finite, if it is.
        rows: the times, and what there is at each.
        last: the last of them that is known, with theta and the states, where theta is observed.
    """

    def __init__(self, times: int, observe: Observe | None, most: int) -> None:
        """Nothing yet, of which no more than so many times, `most`, are added at once."""
        self.times = self.until = times
        self.rows: Any = None
        self.last: Any = None
        self._observe, self._most = observe, most

    @property
    def ended(self) -> bool:
        """Whether it ends early."""
        return self.until < self.times

    def add(self, first: int, rows: Any, solved: bool) -> None:
        """Keep some more, the `first` of which is known by its place.

        Args:
            rows: the times, theta and the states.
            solved: whether it is known that all are finite.
        """
        count = len(rows[0])
        if not solved:
            lost = np.flatnonzero(~np.all([finite_at(leaf) for leaf in jax.tree.leaves(rows[1:])], axis=0))
            self.until = min([self.until, *(first + lost[:1] + 1).tolist()])
        new = rows
        if self._observe:
            new = rows[0], observed(self._observe, rows[1], self._most)
            if first < self.until <= first + count:
                place = self.until - first - 1
                self.last = jax.tree.map(lambda leaf: leaf[place : place + 1].copy(), rows)
        # there is room for all, which are not joined in the end
        if self.rows is None:
            self.rows = jax.tree.map(lambda leaf: np.empty((self.times, *leaf.shape[1:]), leaf.dtype), new)
        for into, part in zip(jax.tree.leaves(self.rows), jax.tree.leaves(new), strict=True):
            into[first : first + count] = part

    def cut(self) -> None:
        """Leave out what is not known."""
        self.rows = jax.tree.map(lambda leaf: leaf[: self.until], self.rows)

    def lengthen(self, t: Float64[Array | np.ndarray, " n"]) -> None:
        """At the times that are not known, which are these, let there be no numbers, and what is observed of them."""
        self.rows[0][self.until :] = t
        self.last = jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), self.last)
        if self._observe:
            nothing = observed(self._observe, self.last[1], self._most)
        else:
            nothing = jax.tree.map(lambda leaf: np.full((1, *leaf.shape[1:]), np.nan), self.rows[1:])
        for into, row in zip(jax.tree.leaves(self.rows[1:]), jax.tree.leaves(nothing), strict=True):
            into[self.until :] = row


def observed(observe: Observe, theta: Float64[np.ndarray, " n *S"], most: int) -> Any:
    """What is observed of theta at some times, of which there are `most` at most: for so many it is compiled."""
    padded = np.zeros((most, *theta.shape[1:]))
    padded[: len(theta)] = theta
    found = jax.device_get(each(observe)(padded))
    return jax.tree.map(lambda leaf: leaf[: len(theta)], found)


@functools.lru_cache(maxsize=PROGRAMS)
def each(observe: Observe) -> Callable[[Array | np.ndarray], Any]:
    """A function of theta, compiled, one after another."""
    return jax.jit(functools.partial(jax.lax.map, observe))
