"""The schemes: the discrete algorithm, and the ways in which its equation is solved for the figures."""

from typing import NamedTuple


class Scheme(NamedTuple):
    """A model, as computed.

    Attributes:
        name: in configurations, columns and file names.
        title: in a legend.
        description: in a sentence of a caption.
        method: of `optide.solve_ide`; None for the algorithm.
        must_converge: whether a trace that did not is an error; else it is kept, and flagged.
    """

    name: str
    title: str
    description: str
    method: str | None
    must_converge: bool


DISCRETE = Scheme("discrete", "discrete algorithm", "the discrete algorithm", None, True)
PUBLISHED = Scheme(
    "published",
    "equation, published scheme",
    "the equation as the published scheme solves it: relaxed fixed-point iteration, order-1000 quadrature",
    "picard",
    False,  # it is known to fail in places, which is part of the paper
)
CONVERGED = Scheme(
    "converged",
    "equation, converged",
    "the converged solution of the same discrete equations, to a residual below 1e-10",
    "march",
    True,
)

CONTINUOUS = {scheme.name: scheme for scheme in (PUBLISHED, CONVERGED)}
"""Those that solve the equation, by name."""
SCHEMES = {DISCRETE.name: DISCRETE, **CONTINUOUS}
"""All, by name."""
