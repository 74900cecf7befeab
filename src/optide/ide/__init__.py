"""Solve an optimizer's integro-differential equation: one configuration, a few, or any number."""

from optide.ide.batch import solve_batch, solve_lanes
from optide.ide.methods import METHODS
from optide.ide.problem import ORIGIN
from optide.ide.solution import Solution
from optide.ide.solve import STARTS, solve_ide

__all__ = ["METHODS", "ORIGIN", "STARTS", "Solution", "solve_batch", "solve_ide", "solve_lanes"]
