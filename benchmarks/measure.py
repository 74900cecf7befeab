"""Measure all methods in one process and one thread; the batch alone takes as many processes as it is told."""

import json
import multiprocessing
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks import first
from benchmarks.timing import METHODS, Case, Timing, clock, most_memory, time_methods, time_plain
from optide.base.errors import OptideError
from optide.ide.batch import solve_batch
from optide.ide.solve import solve_ide
from optide.numerics import elementary
from optide.problem.optimizers import Adam
from optide.problem.registry import HYPERPARAMETERS, OBJECTIVES, OPTIMIZERS
from optide.settings.config import Config, experiment_slice, lanes

PACKAGES = ("jax", "jaxlib", "numpy", "interpax", "diffrax")
COLUMNS = (
    *("part", "method", "experiment", "optimizer", "objective", "learning_rate", *HYPERPARAMETERS, "theta0", "steps"),
    *("save_every", "best_s", "median_s", "repetitions", "compile_s", "iterations", "converged", "estimated"),
    *("best_ratio", "median_ratio", "lanes", "ambiguous", "processes", "peak_mb", "machine"),
)
"""Of the results.  The ratios are to the discrete scan: of the best times, and the median of the ratios side by side.

In the parts "batch" and "regimes", `lanes` is the number of those that converged, and `ambiguous` of those known to
have other solutions; `peak_mb` is a process's resident memory, in 2^20
bytes, and so that of Python and JAX, too.  In the part "first" times are of the processor, of march and of solvers of
diffrax, and the ratios are to the method."""

Row = dict[str, Any]


def measure(settings: Config, config: Config, say: Callable[[str], None] = print) -> list[Row]:
    """All measurements, as rows of `COLUMNS`.

    Args:
        settings: as in settings.yaml.
        config: as in config.yaml.
        say: is told each row.

    Raises:
        OptideError: interpax is not installed.
    """
    where = machine()
    say(where)
    rows = []
    # memory first: where it is not told otherwise, what a process has needed counts for those that it starts
    for part in (memory, first_solves, scaling, experiments, batch, regimes):
        for row in part(settings, config):
            say(" ".join(f"{name}={_short(row[name])}" for name in COLUMNS if row.get(name) is not None))
            rows.append({**dict.fromkeys(COLUMNS), **row, "machine": where})
    return rows


def machine() -> str:
    """The processor and the versions that times belong to.

    Raises:
        OptideError: a package is not installed.
    """
    try:
        packages = [f"{name} {version(name)}" for name in PACKAGES]
    except PackageNotFoundError as error:
        raise OptideError(f"{error.name} is not installed: `make benchmark` runs where it is") from None
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    return ", ".join([processor, f"{os.cpu_count()} cores", f"Python {platform.python_version()}", *packages])


def scaling(settings: Config, config: Config) -> Iterator[Row]:
    """One run, ever longer, each method as far as it goes in the time that is allowed."""
    chosen = settings["scaling"]
    optimizer = OPTIMIZERS[chosen["optimizer"]](chosen["learning_rate"])
    cost = dict.fromkeys(METHODS, 0.0)  # seconds per step
    for steps in chosen["steps"]:
        case = Case(
            *(optimizer, OBJECTIVES[chosen["objective"]], chosen["theta0"], steps),
            save_every=-(-steps // chosen["kept_points"]),
        )
        allowed = [m for m in METHODS if cost[m] * steps <= chosen["limit_s"] or steps == chosen["goal_steps"]]
        for row in _rows(case, tuple(allowed), settings):
            if row["method"] in METHODS:
                cost[row["method"]] = row["best_s"] / steps
            yield {"part": "scaling", **row}


def experiments(settings: Config, config: Config) -> Iterator[Row]:
    """Every configuration of the paper."""
    for name, experiment in config["experiments"].items():
        for rate in experiment["learning_rates"]:
            for lane in lanes(experiment_slice(config, name, rate)):
                optimizer = OPTIMIZERS[experiment["optimizer"]](rate, **lane.hyperparameters)
                objective = OBJECTIVES[experiment["objective"]]
                case = Case(optimizer, objective, lane.theta0, lane.steps, experiment["t_start"])
                for row in _rows(case, tuple(METHODS), settings):
                    yield {"part": "experiments", "experiment": name, **row}


def _rows(case: Case, methods: tuple[str, ...], settings: Config) -> Iterator[Row]:
    timings = time_methods(case, methods, settings["repetitions"], settings["limit_s"])
    if "picard" in timings:
        # one sweep before the first iteration
        timings = timings | {"plain": time_plain(case, timings["picard"].iterations + 1, **settings["plain"])}
    numbers = {name: value for name, value in case.optimizer.hyperparameters.items() if name != "eps"}
    about = {"optimizer": case.optimizer.name, "objective": case.objective.name, "theta0": case.theta0, **numbers}
    for method, timing in timings.items():
        row = {"method": method, **about, "steps": case.steps, **_summary(timing)}
        if method == "march":
            row["save_every"] = case.save_every
        if method != "discrete":
            discrete = timings["discrete"].seconds
            row["best_ratio"] = min(timing.seconds) / min(discrete)
            row["median_ratio"] = float(np.median([a / b for a, b in zip(timing.seconds, discrete, strict=False)]))
        yield row


def _summary(timing: Timing) -> Row:
    return {
        "best_s": min(timing.seconds),
        "median_s": float(np.median(timing.seconds)),
        "repetitions": len(timing.seconds),
        "compile_s": timing.compiling,
        "iterations": timing.iterations,
        "converged": timing.converged,
        "estimated": timing.estimated,
    }


def _spread(rng: np.random.Generator, limits: tuple[float, float], lanes: int) -> np.ndarray:
    """Random numbers between the limits, evenly spread in their logarithm."""
    return elementary.exp(rng.uniform(*elementary.log(np.asarray(limits, float)), lanes))


def batch(settings: Config, config: Config) -> Iterator[Row]:
    """Random configurations of Adam, many at a time: a share of them in each of some processes, side by side."""
    chosen = settings["batch"]
    processes = chosen["processes"]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:

        def solve():
            return pool.starmap(_solve_share, [(chosen, share) for share in range(processes)], chunksize=1)

        first, _ = clock(solve)
        repetitions = [clock(solve) for _ in range(chosen["repetitions"])]
    seconds = [spent for spent, _ in repetitions]
    converged, iterations = zip(*repetitions[0][1], strict=True)
    timing = Timing(seconds, first - min(seconds), max(iterations), sum(converged) == chosen["lanes"])
    about = {"method": "march", "optimizer": "adam", "objective": chosen["objective"], "steps": chosen["steps"]}
    yield {"part": "batch", **about, **_summary(timing), "lanes": sum(converged), "processes": processes}


def _solve_share(chosen: Config, share: int) -> tuple[int, int]:
    """Solve every so many of the configurations of a batch; how many converged, and the most iterations."""
    rng = np.random.default_rng(chosen["seed"])

    def spread(name):
        return _spread(rng, chosen[name], chosen["lanes"])

    optimizers = Adam(spread("learning_rate"), beta1=1 - 1 / spread("memory1"), beta2=1 - 1 / spread("memory2"))
    theta0s = rng.uniform(*chosen["theta0"], chosen["lanes"])
    own = slice(share, None, chosen["processes"])
    optimizers = jax.tree.map(lambda leaf: leaf[own] if np.ndim(leaf) else leaf, optimizers)
    solution = solve_batch(optimizers, OBJECTIVES[chosen["objective"]], theta0s[own], chosen["steps"])
    return int(np.sum(solution.converged)), int(np.max(solution.iterations))


def regimes(settings: Config, config: Config) -> Iterator[Row]:
    """Random configurations of everything."""
    chosen = settings["regimes"]
    rng, lanes = np.random.default_rng(chosen["seed"]), chosen["lanes"]

    def beta():
        without = rng.uniform(size=lanes) < chosen["without_memory"]
        return np.where(without, 0.0, 1 - 1 / _spread(rng, chosen["memory"], lanes))

    for name, optimizer in OPTIMIZERS.items():
        for objective, limits in chosen["theta0"].items():
            betas = {key: beta() for key in HYPERPARAMETERS if key in optimizer.vocabulary()}
            optimizers = optimizer(_spread(rng, chosen["learning_rate"], lanes), **betas)
            theta0s = rng.choice([-1, 1], lanes) * _spread(rng, limits, lanes)
            arguments = (optimizers, OBJECTIVES[objective], theta0s, chosen["steps"])
            spent, solution = clock(solve_batch, *arguments)
            yield {
                **{"part": "regimes", "method": "march", "optimizer": name, "objective": objective},
                **{"best_s": spent, "median_s": spent, "repetitions": 1},
                "steps": chosen["steps"],
                "lanes": int(np.sum(solution.converged)),
                "ambiguous": int(np.sum(solution.ambiguous)),
            }


def memory(settings: Config, config: Config) -> Iterator[Row]:
    """The most memory that march needs, each size in a process of its own."""
    chosen = settings["scaling"]
    about = {name: chosen[name] for name in ("optimizer", "learning_rate", "objective", "theta0")}
    for steps in settings["peak_memory"]:
        size = {"steps": steps, "save_every": -(-steps // chosen["kept_points"])}
        given = json.dumps({**about, **size})
        command = [sys.executable, "-c", "import sys; from benchmarks.measure import peak; print(peak(sys.argv[1]))"]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
        done = subprocess.run([*command, given], check=True, env=environment, stdout=subprocess.PIPE, text=True)
        yield {"part": "memory", "method": "march", **about, **size, "peak_mb": float(done.stdout)}


def peak(given: str) -> float:
    """Solve the run that is given in JSON, and tell how much memory this process has had at most, in MiB."""
    run = json.loads(given)
    optimizer, objective = OPTIMIZERS[run["optimizer"]](run["learning_rate"]), OBJECTIVES[run["objective"]]
    solve_ide(optimizer, objective, run["theta0"], run["steps"], save_every=run["save_every"])
    return most_memory()


def first_solves(settings: Config, config: Config) -> Iterator[Row]:
    """The first solve of a process, of each run."""
    chosen = settings["first"]
    about = {name: chosen[name] for name in ("objective", "theta0", "steps")}
    for run in chosen["runs"]:
        seconds = first.in_processes({**about, **run, "tolerance": chosen["tolerance"]}, chosen["repetitions"])
        for method, own in seconds.items():
            yield {
                **{"part": "first", "method": method, "optimizer": run["optimizer"], **run["hyperparameters"], **about},
                **_summary(Timing(own, float("nan"))),
                "best_ratio": min(seconds["march"]) / min(own),
                "median_ratio": float(np.median(seconds["march"]) / np.median(own)),
            }


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
