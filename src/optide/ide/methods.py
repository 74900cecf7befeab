"""The ways to solve an equation, and what each can do; a configuration of a solve names one of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from optide.base.errors import ParameterError
from optide.ide import march, picard
from optide.ide.problem import Result


@dataclass(frozen=True, eq=False)  # by identity, as compiled programs are kept by it
class Method:
    """A way to solve an equation; what is said of it, in docs/library.md too, is said here.

    Attributes:
        name: as a user gives it.
        description: what it solves, in words.
        cost: of a solve, in words.
        orders: of the time stepping, that it has.
        own_steps: whether each lane of a few may have a number of steps of its own (`Problem.end`).
        differentiable: whether JAX differentiates a solve; whatever else it traces, it does by all methods.
        attempts: options of `solve` with which a problem is tried in turn, each where the one before failed; traced,
            there is one program, and the defaults of `solve` are its options.
        solve: maps a problem, `save_every` and options to the solution at every so many points of the grid.
    """

    name: str
    description: str
    cost: str
    orders: tuple[int, ...]
    own_steps: bool
    differentiable: bool
    attempts: tuple[Mapping[str, Any], ...]
    solve: Callable[..., Result]


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method(
                name="march",
                description="the equations of the published scheme and refinements of them, to rounding",
                cost="linear in the steps; memory of one window of time, and of what is saved",
                orders=(1, 2),
                own_steps=True,
                differentiable=True,
                # what can do more takes twice as long to compile, and has less to do again in short windows
                attempts=({"persistent": False}, {"window": march.SHORT_WINDOW}),
                solve=march.solve,
            ),
            Method(
                name="picard",
                description="the published scheme, to its own tolerance",
                cost=f"linear in the steps, {picard.QUADRATURE_ORDER} gradients for each in each of tens of sweeps or "
                "more; memory of all of the grid",
                orders=(picard.ORDER,),
                own_steps=False,
                differentiable=False,
                attempts=({},),
                solve=picard.solve,
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
        raise ParameterError("method", method, " or ".join(METHODS))
    return METHODS[method]
