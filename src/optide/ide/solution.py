"""The solution of an equation."""

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import Float64

from optide.base import display
from optide.base.arithmetic import traced
from optide.base.words import counted, outline

if TYPE_CHECKING:
    import pandas as pd

EASIER = "method march, order 2 of it, more substeps or a smaller learning rate make it easier"
"""What to do where no solution is found."""


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=[
        *("t", "u", "theta", "state", "converged", "iterations", "residual", "residuals", "ambiguous", "observed")
    ],
    meta_fields=["arithmetic"],
)
@dataclass(frozen=True, eq=False, repr=False)
class Solution:
    """The solution of the equation on its grid, or on every `save_every`-th point of it.

    Arrays of NumPy; of JAX where a transformation (`jit`, `vmap`, `grad`) traces the solve.

    Attributes:
        t: grid, in units of time: step k of the discrete algorithm is at k alpha.
        u: the time up to which the memories run, t + lookahead alpha.
        theta: of shape S, at each time; or a tree, as the start is, whose leaves have the axis of time first.
        state: memories at u, by name; each like theta.
        converged: whether the method reached its tolerance.
        iterations: outer iterations used.
        residual: the last residual, in the norm of the method (see its module).
        residuals: one per outer iteration; where traced, as many as there may be.
        ambiguous: whether the discrete equations are known to have other solutions as well.
        observed: what `observe` made of theta, at each time; theta and the states are then those of the last alone.
        arithmetic: "pinned", or why its last bits need not be those of the workflow (`optide.pin`).
    """

    t: Float64[np.ndarray, " n"]
    u: Float64[np.ndarray, " n"]
    theta: Float64[np.ndarray, " n *S"]
    state: dict[str, Float64[np.ndarray, " n *S"]]
    converged: bool
    iterations: int
    residual: float
    residuals: Float64[np.ndarray, " iterations"]
    ambiguous: bool
    arithmetic: str
    observed: Any = None

    __repr__ = outline
    _repr_html_ = display.of_result

    def to_pandas(self) -> "pd.DataFrame":
        """A row for each time: t, u, theta and the states, each of their elements a column (`theta[0]`)."""
        return display.frame(self)

    @property
    def message(self) -> str:
        """What became of the solve, and what to do, in a sentence; of a batch, how many lanes converged."""
        if traced(self.converged):
            return "not known while JAX traces the solve"
        if np.ndim(self.converged):
            return f"{np.count_nonzero(self.converged)} of {np.size(self.converged)} lanes converged"
        if not self.converged:
            return (
                f"not converged after {counted(self.iterations, 'iteration')}, residual {self.residual:.2g}; {EASIER}"
            )
        others = "; the discrete equations have other solutions, too" if self.ambiguous else ""
        return f"converged in {counted(self.iterations, 'iteration')}, residual {self.residual:.2g}{others}"
