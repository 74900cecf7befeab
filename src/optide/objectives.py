"""The objective functions of the paper, by their public name; see `optide.problem.objectives`."""

from optide.problem.objectives import Objective, double_well, quadratic, regression
from optide.problem.registry import OBJECTIVES

__all__ = ["OBJECTIVES", "Objective", "double_well", "quadratic", "regression"]
