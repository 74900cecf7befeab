"""A window of time: how far an equation reaches in it, and what is known before it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jax import Array
from jaxtyping import Float64, Shaped

from optide.ide.problem import Problem
from optide.problem.kernels import Scalar


class Layout(NamedTuple):
    """How far an equation reaches; all static.

    Attributes:
        ahead: cells from a node to the end of the memories that its velocity needs.
        shift: the same to the end of the last memory in its equation.
        lead: cells before that of the first equation.
        unknown: nodes after theta_{j+1} that the equation of t_j may depend on, and those before it through them.
    """

    ahead: int
    shift: int
    lead: int
    unknown: int

    @property
    def block(self) -> int:
        """Nodes that are predicted together."""
        return max(1, self.shift)

    @classmethod
    def of(cls, problem: Problem) -> "Layout":
        ahead = problem.lookahead * problem.substeps
        shift = ahead + problem.order - 1
        lead = max(shift - 1, 0)
        # the start of the memories refers to nodes as far as 2 alpha
        return cls(ahead, shift, lead, max(1, shift, 2 * problem.substeps + lead if problem.early else 0))


class Window(NamedTuple):
    """A window of time: what is known before it, and where it is.

    Attributes:
        before: theta at nodes s - 1 and s.
        memory: at node s.
        s: index of the node before its first unknown, a float.
        last: index of the last node of all, a float; beyond it theta goes straight on.
    """

    before: Float64[Array | np.ndarray, " 2 *S"]
    memory: Mapping[str, Float64[Array | np.ndarray, " *S"]]
    s: Float64[Array | np.ndarray, ""]
    last: Scalar


def over(weights: Shaped[Array | np.ndarray, "..."], ndim: int) -> Shaped[Array | np.ndarray, "..."]:
    """Weights (or conditions) of the leading axes of an array with `ndim` axes."""
    return weights.reshape(*weights.shape, *(1,) * (ndim - weights.ndim))


def straight_on(nodes: Float64[Array, " n *S"], steps: Float64[Array, " m"]) -> Float64[Array, " m *S"]:
    """Theta so many steps after the last of some nodes, if it goes on as between the last two."""
    return nodes[-1:] + over(steps, nodes.ndim) * (nodes[-1:] - nodes[-2:-1])


def whole(problem: Problem) -> Window:
    """All the time there is, as one window."""
    theta = problem.theta0[None] * np.ones((2, *(1,) * problem.theta0.ndim))
    memory = {name: np.zeros(problem.theta0.shape) for name in problem.optimizer.memories()}
    return Window(theta, memory, np.zeros(()), problem.last)
