"""Times of the methods on one run: compiled programs in turn, one repetition of each after the other."""

import functools
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import plain
from optide.ide.problem import ORIGIN
from optide.ide.solve import solve_ide
from optide.problem.discrete import _scan
from optide.problem.objectives import Objective
from optide.problem.optimizer import Optimizer


class Case(NamedTuple):
    """A run to be measured; see `optide.ide.solve_ide`."""

    optimizer: Optimizer
    objective: Objective
    theta0: float
    steps: int
    t_start: str = "origin"
    save_every: int = 1


class Timing(NamedTuple):
    """What one method took.

    Attributes:
        seconds: of each repetition.
        compiling: seconds, before the first; of march as `first_solve` measures it.
        iterations: of the method; None where it has none.
        converged: likewise.
        estimated: whether a part was measured and the rest computed.
    """

    seconds: Sequence[float]
    compiling: float
    iterations: int | None = None
    converged: bool | None = None
    estimated: bool = False


def _discrete(optimizer, theta0, case):
    return _scan(optimizer, theta0, case.objective, case.steps)[0]


def _march(optimizer, theta0, case):
    options = {"t_start": case.t_start, "save_every": case.save_every}
    return solve_ide(optimizer, case.objective, theta0, case.steps, **options)


def _picard(optimizer, theta0, case):
    return solve_ide(optimizer, case.objective, theta0, case.steps, t_start=case.t_start, method="picard")


METHODS = {"discrete": _discrete, "march": _march, "picard": _picard}


@functools.cache
def time_methods(case: Case, methods: tuple[str, ...], repetitions: int, limit: float) -> dict[str, Timing]:
    """Times of some of `METHODS`, side by side.

    Args:
        repetitions: of each method.
        limit: seconds after which a method is not repeated any more.
    """
    arguments = jax.tree.map(lambda x: jnp.asarray(x, float), (case.optimizer, case.theta0))
    shape = case._replace(optimizer=type(case.optimizer), theta0=None)
    programs = {method: _compile(method, shape, arguments, case) for method in methods}
    results: dict[str, Any] = {}
    seconds: dict[str, list[float]] = {method: [] for method in methods}
    for _ in range(repetitions):
        for method, (program, _) in programs.items():
            if sum(seconds[method]) < limit:
                spent, results[method] = clock(program, *arguments)
                seconds[method].append(spent)
    found = {}
    for method, (_, compiling) in programs.items():
        solved = {} if method == "discrete" else _verdict(results[method])
        found[method] = Timing(seconds[method], compiling, **solved)
    return found


def _verdict(solution) -> dict[str, Any]:
    return {"iterations": int(solution.iterations), "converged": bool(solution.converged)}


_compiled: dict[Any, tuple[Callable, float]] = {}


def _compile(method: str, shape: Case, arguments, case: Case) -> tuple[Callable, float]:
    """The program of a method for all runs that differ in numbers only, and how long it took to compile."""
    if (method, shape) not in _compiled:
        program = jax.jit(lambda optimizer, theta0: METHODS[method](optimizer, theta0, shape))
        compiling, compiled = clock(lambda: program.lower(*arguments).compile())
        _compiled[method, shape] = compiled, first_solve(case) if method == "march" else compiling
    return _compiled[method, shape]


def first_solve(case: Case) -> float:
    """By how many seconds the first `solve_ide` of a process takes longer than the second: what a user waits for.

    It does not compile the program that JAX compiles where it traces `solve_ide`, and whose runs are timed: that
    one holds what is needed where Newton's method gets stuck, too.
    """
    jax.clear_caches()
    first, second = (clock(_march, case.optimizer, case.theta0, case)[0] for _ in range(2))
    return first - second


def time_plain(case: Case, sweeps: int, points: int, repetitions: int) -> Timing:
    """What the plain reading of the published scheme would take, from a part of one sweep.

    Args:
        sweeps: that the iteration needs.
        points: how many grid points to compute, of all; spread evenly.
        repetitions: of the measurement.
    """
    rate = case.optimizer.learning_rate
    first = 1 if case.t_start == "one_step" else 0
    t = rate * np.arange(first, case.steps) + (0 if first else ORIGIN)
    chosen = np.unique(np.linspace(0, len(t) - 1, points).astype(int))
    theta = np.linspace(case.theta0, case.theta0 + 1, len(t))  # any path: the cost is the same
    arguments = jax.tree.map(jnp.asarray, (case.optimizer, t, theta, chosen))

    def part(optimizer, t, theta, chosen):
        return plain.velocities(optimizer, case.objective, t, theta, chosen)

    compiling, program = clock(lambda: jax.jit(part).lower(*arguments).compile())
    seconds = [clock(program, *arguments)[0] for _ in range(repetitions)]
    share = len(t) / len(chosen) * sweeps
    return Timing([share * spent for spent in seconds], compiling, estimated=True)


def most_memory() -> float:
    """The most memory that this process has had, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # where what the system tells of a process counts that of the one that started it
        return (
            next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 2**10
        )
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def clock(function: Callable, *arguments) -> tuple[float, Any]:
    """Seconds that a call takes until its result is there, and the result."""
    began = time.perf_counter()
    result = function(*arguments)
    if not callable(result):
        result = jax.block_until_ready(result)
    return time.perf_counter() - began, result
