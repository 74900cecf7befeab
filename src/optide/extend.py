"""What a plug-in needs to define an optimizer or an objective of its own (docs/extending.md)."""

from optide.base.lazy import jnp
from optide.problem.kernels import Memory, exponential, filled, sqrt
from optide.problem.objectives import Objective, objective
from optide.problem.optimizer import Optimizer
from optide.problem.vocabulary import NONNEGATIVE, POSITIVE, REAL, UNIT_INTERVAL, Range, State, hyperparameter

__all__ = [
    "NONNEGATIVE",
    "POSITIVE",
    "REAL",
    "UNIT_INTERVAL",
    "Memory",
    "Objective",
    "Optimizer",
    "Range",
    "State",
    "exponential",
    "filled",
    "hyperparameter",
    "jnp",
    "objective",
    "sqrt",
]
