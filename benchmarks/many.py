"""What a solve of many parameters costs, beside the algorithm: python -m benchmarks.many.

Each size goes through a process of its own, on one core, which measures time, gradients and memory one after the other.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from benchmarks.measure import machine
from benchmarks.timing import most_memory
from optide.base import files
from optide.ide.solve import solve_ide
from optide.problem.discrete import run_discrete
from optide.problem.registry import OPTIMIZERS
from optide.settings import yamlfile
from optide.settings.config import Config
from optide.studies.beyond_problems import rosenbrock
from optide.studies.beyond_solve import counted

Row = dict[str, Any]
REPETITIONS = 3


def measure(chosen: Config) -> Iterator[Row]:
    """A row for each optimizer and size of settings.yaml's `many`."""
    code = "import sys; from benchmarks.many import alone; print(alone(sys.argv[1]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for run in chosen["runs"]:
        for size in chosen["sizes"]:
            given = json.dumps({**run, "size": size, "steps": chosen["steps"]})
            command = [sys.executable, "-c", code, given]
            done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE)
            yield json.loads(done.stdout)


def alone(given: str) -> str:
    """A row, in JSON: what the solve costs that is given in JSON, on one core."""
    run = json.loads(given)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    optimizer = OPTIMIZERS[run["optimizer"]](**run["hyperparameters"])
    problem = rosenbrock({"size": run["size"]})
    before = most_memory()

    def solve(loss: Callable[[jax.Array], jax.Array], lookahead: int = 1) -> Any:
        return solve_ide(optimizer, loss, problem.theta0, run["steps"], lookahead=lookahead, observe=_largest)

    def algorithm() -> Any:
        return run_discrete(optimizer, problem.loss, problem.theta0, run["steps"], observe=_largest)

    first, solution = _timed(lambda: solve(problem.loss))
    peak = most_memory() - before
    seconds = min(_timed(lambda: solve(problem.loss))[0] for _ in range(REPETITIONS))
    algorithm()
    discrete = min(_timed(algorithm)[0] for _ in range(REPETITIONS))
    watched, asked = counted(problem.loss)
    solve(watched)
    jax.effects_barrier()
    return json.dumps(
        {
            **{"optimizer": run["optimizer"], **run["hyperparameters"], "size": run["size"], "steps": run["steps"]},
            **{"converged": bool(solution.converged), "gradients_a_step": len(asked) / run["steps"]},
            **{"first_s": first, "seconds": seconds, "discrete_s": discrete, "ratio": seconds / discrete},
            "peak_mb": peak,
        }
    )


def _largest(theta: jax.Array) -> jax.Array:
    return jnp.max(jnp.abs(theta))


def _timed(run: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    found = run()
    return time.process_time() - start, found


def growth(rows: pd.DataFrame) -> tuple[float, float]:
    """The worst of all optimizers.

    Returns:
        The power of the size that time grows with between the two largest sizes; and the memory of the largest beyond
        that of the smallest, in doubles for each parameter.
    """
    powers, doubles = [], []
    for _, own in rows.groupby("optimizer"):
        largest = own.iloc[-1]
        own_sizes, seconds = own["size"].to_numpy(float)[-2:], own["seconds"].to_numpy(float)[-2:]
        powers.append(float(np.diff(np.log(seconds))[0] / np.diff(np.log(own_sizes))[0]))
        doubles.append((largest["peak_mb"] - own["peak_mb"].iloc[0]) * 2**20 / 8 / largest["size"])
    return max(powers), max(doubles)


def page(rows: pd.DataFrame, where: str) -> str:
    """The page about some rows."""
    power, doubles = growth(rows)
    shown = pd.DataFrame(
        {
            "optimizer": rows["optimizer"],
            "parameters": [f"{n:,}" for n in rows["size"]],
            "gradients a step": [f"{n:.0f}" for n in rows["gradients_a_step"]],
            "first solve": [f"{s:.2f} s" for s in rows["first_s"]],
            "later": [f"{s:.3f} s" for s in rows["seconds"]],
            "/ discrete": [f"{r:.0f}" for r in rows["ratio"]],
            "memory": [f"{m:.0f} MiB" for m in rows["peak_mb"]],
            "converged": ["yes" if c else "no" for c in rows["converged"]],
        }
    )
    steps, share = rows["steps"].iloc[0], (rows["ratio"] / rows["gradients_a_step"]).max()
    return (
        "# What many parameters cost\n\n"
        f"Measured by `make benchmark` on: {where}.\n\n"
        f"Rosenbrock's valley, {steps} steps, with look-ahead, of which the largest parameter is observed. Processor "
        "time of one core; *memory* is what a process needs beyond having imported all, compiling among it.\n\n"
        f"{shown.to_markdown(index=False, disable_numparse=True)}\n\n"
        f"Between the two largest sizes time grows at most like the power {power:.2f} of the number of parameters; "
        f"memory beyond that of the smallest is at most {doubles:.0f} doubles for each parameter. Over the "
        f"algorithm's, time is at most {share:.1f} times the number of gradients a step.\n"
    )


def main(arguments: list[str] | None = None) -> None:
    """Measure, and write many.{csv,md}."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many", description="Measure what many parameters cost.")
    parser.add_argument("--settings", type=Path, default=Path(__file__).with_name("settings.yaml"))
    parser.add_argument("--output", type=Path, default=Path("benchmarks"))
    options = parser.parse_args(arguments)
    rows = pd.DataFrame(measure(yamlfile.read(options.settings)["many"]))
    options.output.mkdir(parents=True, exist_ok=True)
    with files.aside(options.output / "many.csv") as csv, files.aside(options.output / "many.md") as text:
        rows.to_csv(csv, index=False)
        Path(text).write_text(page(pd.read_csv(csv), machine()), encoding="utf-8")


if __name__ == "__main__":
    main()
