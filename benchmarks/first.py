"""The first solve of a process: what it takes where nothing is compiled yet, ours beside diffrax's.

diffrax solves no equation with memory.  It is given the gradient flow, and the memories along it by their own
differential equations V' = weight g^p - rate V: as many unknowns as ours, at the same times.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from optide.ide.solve import solve_ide
from optide.problem.registry import OBJECTIVES, OPTIMIZERS
from optide.settings.config import Config

SOLVERS = {"tsit5": "Tsit5", "kvaerno3": "Kvaerno3"}
"""Of diffrax, an explicit one and an implicit one."""


def in_processes(run: Config, repetitions: int) -> dict[str, list[float]]:
    """Processor time of the first solve of some processes, in seconds, by each method, one after the other.

    Args:
        run: `objective`, `theta0`, `steps`, `optimizer`, `hyperparameters`, and `tolerance` of diffrax.
        repetitions: processes of each method.
    """
    seconds: dict[str, list[float]] = {method: [] for method in ("march", *SOLVERS)}
    code = "import sys; from benchmarks.first import alone; print(alone(sys.argv[1]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(repetitions):
        for method, found in seconds.items():
            command = [sys.executable, "-c", code, json.dumps({**run, "method": method})]
            done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
            found.append(float(done.stdout))
    return seconds


def alone(given: str) -> float:
    """Processor time of a solve that is given in JSON, on one core, JAX having computed something before."""
    run = json.loads(given)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    solve = _march(run) if run["method"] == "march" else _diffrax(run)
    jnp.zeros(3).block_until_ready()
    start = time.process_time()
    theta = np.asarray(solve())
    spent = time.process_time() - start
    if len(theta) != run["steps"] or not np.isfinite(theta).all():
        raise RuntimeError(f"{run}: not solved")
    return spent


def _march(run: Config) -> Callable[[], Any]:
    optimizer = OPTIMIZERS[run["optimizer"]](**run["hyperparameters"])
    return lambda: solve_ide(optimizer, OBJECTIVES[run["objective"]], run["theta0"], run["steps"]).theta


def _diffrax(run: Config) -> Callable[[], Any]:
    import diffrax  # noqa: PLC0415  (here only: importing it takes longer than importing all else)

    optimizer = OPTIMIZERS[run["optimizer"]](**run["hyperparameters"])
    gradient, kernels = jax.grad(OBJECTIVES[run["objective"]]), optimizer.memories()

    def flow(t, y, _):
        theta, memory = y
        g = gradient(theta)
        change = {
            name: kernel.weight * g**kernel.power - kernel.rate * memory[name] for name, kernel in kernels.items()
        }
        return -g, change

    def solve():
        start = jnp.asarray(run["theta0"]), {name: jnp.zeros(()) for name in kernels}
        times = optimizer.learning_rate * np.arange(run["steps"])
        controller = diffrax.PIDController(rtol=run["tolerance"], atol=run["tolerance"])
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(flow), getattr(diffrax, SOLVERS[run["method"]])(), 0.0, times[-1], None, start,
            saveat=diffrax.SaveAt(ts=times), stepsize_controller=controller,
        )  # fmt: skip
        return solution.ys[0]

    return solve
