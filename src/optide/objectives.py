"""The objective functions of the paper, by their public name; see `optide.problem.objectives`."""

from optide.problem.objectives import OBJECTIVES, Objective, double_well, quadratic, regression

__all__ = ["OBJECTIVES", "Objective", "double_well", "quadratic", "regression"]
