"""The ways to solve an equation, and what each can do; a configuration of a solve names one of them."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import jax

from optide.base.errors import ParameterError, TracedError
from optide.base.words import nearest
from optide.ide import march, picard
from optide.ide.problem import Observe, Problem, Result

AUTO, MATRIX, PRODUCTS = "auto", "matrix", "products"
"""Names of couplings."""
FEW = 4
"""Numbers in theta up to which the matrix is faster, first call and later ones together."""


@dataclass(frozen=True, eq=False)  # by identity, as compiled programs are kept by it
class Method:
    """A way to solve an equation; what is said of it, in docs/library.md too, is said here.

    Attributes:
        name: as a user gives it.
        description: what it solves, in words.
        cost: of a solve, in words.
        orders: of the time stepping, that it has.
        couplings: ways to solve for the numbers in theta, which the objective couples.
        own_steps: whether a program serves any number of steps, so that each lane of a few may have its own.
        differentiable: whether JAX differentiates a solve; whatever else it traces, it does by all methods.
        persistent: whether `run` solves some of what `solve` does not.
        solve: maps a problem and `save_every` to the solution at every so many points of the grid.
        run: the same for known numbers, compiled; the result is of NumPy, and has what is observed, if anything.
    """

    name: str
    description: str
    cost: str
    orders: tuple[int, ...]
    couplings: tuple[str, ...]
    own_steps: bool
    differentiable: bool
    persistent: bool
    solve: Callable[[Problem, int], Result]
    run: Callable[[Problem, int, Observe | None], Result]

    def by_products(self, coupling: str, size: int) -> bool:
        """Whether theta with so many numbers is solved without a matrix."""
        return coupling == PRODUCTS or (coupling == AUTO and PRODUCTS in self.couplings and size > FEW)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method(
                name="march",
                description="the equations of the published scheme and refinements of them, to rounding",
                cost="linear in the steps; memory of one window of time, and of what is saved",
                orders=(1, 2),
                couplings=(AUTO, MATRIX, PRODUCTS),
                own_steps=True,
                differentiable=True,
                persistent=True,
                solve=march.solve,
                run=march.run,
            ),
            Method(
                name="picard",
                description="the published scheme, to its own tolerance",
                cost=f"linear in the steps, {picard.QUADRATURE_ORDER} gradients for each in each of tens of sweeps or "
                f"more; memory of all of the grid, and of its quadrature nodes while they are at most {picard.KEPT:,}",
                orders=(picard.ORDER,),
                couplings=(AUTO,),
                own_steps=False,
                differentiable=False,
                persistent=False,
                solve=picard.solve,
                run=picard.run,
            ),
        )
    }
)
DEFAULT = "march"


def named(method: Any) -> Method:
    """The method of a name.

    Raises:
        ParameterError: there is none.
    """
    if not isinstance(method, str) or method not in METHODS:
        raise ParameterError("method", method, f"{' or '.join(METHODS)}{nearest(method, METHODS)}")
    return METHODS[method]


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def undifferentiated(method: str, given: Any) -> Any:
    """What is given, numbers in any structure, to a method that is not differentiable.

    Raises:
        TracedError: JAX differentiates it.
    """
    return given


@undifferentiated.defjvp
def _refuse(method: str, given: Any, tangents: Any) -> Any:
    able = " or ".join(f'"{name}"' for name, one in METHODS.items() if one.differentiable)
    raise TracedError(f'solve_ide: method "{method}" cannot be differentiated; {able} can')
