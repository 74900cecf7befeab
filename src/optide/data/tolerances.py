"""How far values may be off on another processor or with other versions, by what was measured.

Measured were all results of the configuration of the paper, built with the instruction set AVX-512 in place of
AVX: fused multiply-add changes last bits everywhere.  docs/reproducibility.md has the numbers.  A tolerance is at
least ten times the largest difference found.

Each turn of the published iteration makes a difference of the last bit larger.  A solve that takes few turns is as
steady as a direct one, one that takes more is slow, and one that takes hundreds is chaotic: another last bit leads it
along another path, so that its values, the number of its turns and even whether it converges are others.
"""

import re
from collections.abc import Mapping
from typing import Any

from optide.data.fingerprints import Tolerance
from optide.problem.registry import OPTIMIZERS

CHAOTIC = "chaotic"
FEW, MANY = 40, 200
"""Up to how many iterations a published solve is steady, and beyond how many it is chaotic."""

RELATIVE = {"discrete": 1e-8, "converged": 1e-10, "published": 1e-9, "slow": 1e-5}
"""Of computed values, by grade.  Without memory (beta = 0) the discrete algorithm makes differences larger, too."""

TIME = Tolerance(1e-12, 1e-24)
"""Of times, which are sums of two numbers: they begin at 1e-12."""

_OF_SQUARES, _OF_DIFFERENCES, _SMALL = 1e-12, 1e-3, 1e-6
"""What is small in a column, relative to the largest value of its run, so that it need not be accurate relative to its
own size.  Sums of squares are, however small; theta and averages of gradients are differences near 0."""

NO_RESIDUAL = 1e-9
"""Below ten times where the marching solver stops, 1e-10, what is left is rounding."""
_RESIDUAL = Tolerance(1e-6, NO_RESIDUAL)
RESIDUAL = {"converged": _RESIDUAL, "published": _RESIDUAL, "slow": Tolerance(2e-2, NO_RESIDUAL)}
"""Of residuals."""

CELL = Tolerance(1e-5, 1e-14)
"""Of a number in a table: a gap is a difference of values, and a rate rests on their logarithms."""
_RESIDUAL_CELL = re.compile(r"resid|\bres\."), Tolerance(CELL.relative, NO_RESIDUAL)
_SLOW_CELL = re.compile(r"resid|\bres\.|published_loss"), RESIDUAL["slow"].relative
"""Columns of residuals; and those that a slow solve makes uncertain, as are differences of losses nearly equal."""

DRAWN = {
    **{"discrete": 1e-9, "converged": 1e-9, "published": 1e-9, "slow": 1e-7},
    **{"converged residual": 1e-6, "published residual": 1e-6, "slow residual": 2e-2},
}
"""Of a place in a panel, relative to the reach of all its curves.  Even if all of 150,000 points are off by that, a
single one is found that is 6e-4 out of place, a fifth of a pixel."""

LIMITS = 1e-6
"""Of the limits of an axis, in the largest of them."""

PIXELS = 320
"""Of a square of 64 by 64 pixels: the sum of all differences of its red, green and blue, each 0 to 255; a single pixel
between black and white is 765."""

POINT = 1e-6
"""Of a number in a PDF, in printer's points."""


def grade(configuration: Mapping[str, Any]) -> str:
    """How steady the solution of a configuration is: its scheme, "slow" or "chaotic"."""
    scheme: str = configuration["scheme"]
    iterations: int = configuration.get("iterations", 0)
    if scheme != "published" or iterations <= FEW:
        return scheme
    return "slow" if iterations <= MANY else CHAOTIC


def of_values(name: str, grade: str, largest: float) -> Tolerance:
    """The tolerance of a computed column of a run, of which `largest` is the largest absolute value."""
    if name in ("t", "u"):
        return TIME
    if name == "residual":
        return RESIDUAL[grade]
    return Tolerance(RELATIVE[grade], RELATIVE[grade] * small(name) * (largest or 1.0))


def small(name: str) -> float:
    """What is small in a computed column, relative to the largest value of its run."""
    quantity = name.partition("[")[0]
    powers = {optimizer.powers().get(quantity) for optimizer in OPTIMIZERS.values()} - {None}
    if quantity == "theta" or 1 in powers:
        return _OF_DIFFERENCES
    return _OF_SQUARES if powers else _SMALL


def of_cells(heading: str) -> Tolerance:
    """The tolerance of the numbers in a column of a table."""
    residual, tolerance = _RESIDUAL_CELL
    return tolerance if residual.search(heading) else CELL


def of_cell(heading: str, grade: str) -> float:
    """The relative tolerance of a number in a table that rests on a solution of a certain grade."""
    uncertain, relative = _SLOW_CELL
    return relative if grade == "slow" and uncertain.search(heading) else CELL.relative
