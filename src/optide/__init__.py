"""The dynamics of AdaGrad, RMSProp and Adam as integro-differential equations.

>>> from optide import AdaGrad, solve_ide
>>> from optide.objectives import quadratic
>>> solution = solve_ide(AdaGrad(0.1), quadratic, theta0=1.0, steps=1500)
>>> bool(solution.converged), abs(float(solution.theta[-1]) - 4) < 0.01
(True, True)

Importing it changes nothing in the process.  For the bits of the workflow call `pin` before JAX is imported.
"""

import importlib
from typing import TYPE_CHECKING

from optide.base.arithmetic import pin

if TYPE_CHECKING:
    from optide.ide import Solution, solve_ide, solve_lanes
    from optide.problem.discrete import DiscreteRun, run_discrete
    from optide.problem.optimizers import AdaGrad, Adam, RMSProp

    __version__: str

_HOME = {
    "AdaGrad": "problem.optimizers",
    "Adam": "problem.optimizers",
    "DiscreteRun": "problem.discrete",
    "RMSProp": "problem.optimizers",
    "Solution": "ide",
    "run_discrete": "problem.discrete",
    "solve_ide": "ide",
    "solve_lanes": "ide",
}

__all__ = [
    "AdaGrad",
    "Adam",
    "DiscreteRun",
    "RMSProp",
    "Solution",
    "pin",
    "run_discrete",
    "solve_ide",
    "solve_lanes",
]

if not TYPE_CHECKING:  # to which a module with it has every attribute

    def __getattr__(name: str) -> object:
        """Import on first use: planning a workflow or drawing a figure needs no JAX."""
        if name == "__version__":
            return importlib.import_module("importlib.metadata").version("optide")
        if name not in _HOME:
            raise AttributeError(f"module 'optide' has no attribute {name!r}")
        return getattr(importlib.import_module(f"optide.{_HOME[name]}"), name)
