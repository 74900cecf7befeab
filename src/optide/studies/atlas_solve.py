"""The rows of a shard of the atlas: the algorithm and its equation, with look-ahead and without, of each of them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import jax
import numpy as np
import pyarrow as pa
from jaxtyping import Float64

from optide.base.arithmetic import in_float64
from optide.base.errors import ConfigError
from optide.ide.batch import solve_batch
from optide.ide.solution import Solution
from optide.problem import plugins
from optide.problem.discrete import run_batch
from optide.problem.objectives import Objective
from optide.problem.registry import OBJECTIVES, OPTIMIZERS
from optide.settings import atlas as regions
from optide.settings.config import Config, label, number
from optide.studies import atlas
from optide.studies.atlas import DISCRETE, EQUATIONS
from optide.studies.atlas_measures import Columns, compared, measured
from optide.studies.experiments import losses

LANES = 256
"""Configurations of a call of a compiled program: however many there are, it is the same, and so are the bits."""
AT_ONCE = {"cpu": 8 * LANES, "gpu": 2**17}
"""Configurations whose curves are in memory at a time, by the processor; a GPU solves them in one call."""
VALUES = {"cpu": 2**20, "gpu": 2**25}
"""Points that these have at most, of which each takes 250 bytes: of long runs fewer are solved at a time."""


class Solved(NamedTuple):
    """A shard, solved.

    Attributes:
        rows: of `optide.studies.atlas.schema`.
        curves: of its sample.
        report: a line for each solve that did not converge, and one for the whole.
    """

    rows: pa.Table
    curves: pa.Table
    report: str


@in_float64
def compute(settings: Config) -> Solved:
    """Solve a shard, however many rows it has, in bounded memory.

    Args:
        settings: a slice (`optide.settings.atlas.shard_slice`).

    Raises:
        ConfigError: the code of a plug-in fails; names file and line.
    """
    found = []
    if settings["processor"] == "gpu":
        _demand_gpu()
    with plugins.blamed():
        for rows in _portions(settings):
            found.append(_solved(settings, rows))
    tables, curves, lost = zip(*found, strict=True)
    lines = [line for of_portion in lost for line in of_portion]
    rows = pa.concat_tables(tables)
    solves = len(EQUATIONS) * len(rows)
    lines.append(f"{len(rows):,} configurations, {solves - len(lines):,} of {solves:,} solves converged")
    return Solved(rows, pa.concat_tables(curves), "".join(f"{line}\n" for line in lines))


def _demand_gpu() -> None:
    try:
        jax.devices("cuda")
    except RuntimeError as error:
        found = " ".join(str(error).split())
        raise ConfigError(f"atlas.processor = 'gpu': JAX finds none of NVIDIA's here ({found})") from None


def _portions(settings: Config) -> Iterator[np.ndarray]:
    """The numbers of rows that are solved at a time: all of them have as many steps."""
    rows, processor = np.arange(settings["first"], settings["end"]), settings["processor"]
    places = atlas.places(settings, rows)[regions.STEPS]
    for same in np.split(rows, 1 + np.flatnonzero(np.diff(places))):
        steps = settings["steps"][places[same[0] - rows[0]]]
        most = _lanes(AT_ONCE[processor], steps, processor)
        yield from np.split(same, range(most, len(same), most))


def _lanes(most: int, steps: int, processor: str) -> int:
    """Configurations that are solved at a time, by the length of their runs and nothing else."""
    return max(1, min(most, VALUES[processor] // steps))


def _solved(settings: Config, rows: np.ndarray) -> tuple[pa.Table, pa.Table, list[str]]:
    """Some rows, the curves of those that are of the sample, and what did not converge."""
    chosen = atlas.configurations(settings, rows)
    steps, objective = int(chosen[regions.STEPS][0]), OBJECTIVES[settings["objective"]]
    choices = {name: chosen[name] for name in settings["hyperparameters"]}
    optimizers = OPTIMIZERS[settings["optimizer"]](chosen[regions.LEARNING_RATE], **choices)
    starts = chosen[regions.THETA0]
    shard = None if settings["processor"] == "gpu" else _lanes(LANES, steps, "cpu")
    discrete = run_batch(optimizers, objective, starts, steps, shard=shard).theta
    columns = _of_model(objective, discrete, 0, DISCRETE, np.ones(len(rows), bool))
    thetas, lost = {DISCRETE: (0, discrete)}, []
    for model, lookahead in EQUATIONS.items():
        solution = solve_batch(
            optimizers, objective, starts, steps, t_start=settings["t_start"], lookahead=lookahead, shard=shard
        )
        first = int(np.rint(solution.t[0, 0] / chosen[regions.LEARNING_RATE][0]))
        converged = solution.converged & np.isfinite(solution.theta).all(axis=1)
        theta = np.where(converged[:, None], solution.theta, np.nan)
        thetas[model] = first, theta
        columns |= _of_model(objective, theta, first, model, converged)
        columns |= _of_solution(solution, converged, compared(discrete, theta, first), model)
        columns[f"{model}_loss_gap"] = columns[f"{model}_loss"] - columns[f"{DISCRETE}_loss"]
        lost += [_named(settings, chosen, place, model, solution) for place in np.flatnonzero(~converged).tolist()]
    same = {name: np.full(len(rows), settings[name]) for name in ("objective", "optimizer")}
    table = _table(same | chosen | {"row": rows} | columns, atlas.of(settings))
    return table, _curves(rows, thetas, steps, atlas.sampled(settings, rows)), lost


def _of_model(
    objective: Objective, theta: Float64[np.ndarray, " N n"], first: int, model: str, there: np.ndarray
) -> Columns:
    minima = [float(minimum) for minimum in objective.minima]  # type: ignore[arg-type]  # of one number (see examine)
    found = measured(theta, first, minima)
    found["behaviour"] = np.where(there, found["behaviour"], "")
    found["loss"] = losses(objective, found["end"])
    return {f"{model}_{name}": column for name, column in found.items()}


def _of_solution(solution: Solution, converged: np.ndarray, gaps: Columns, model: str) -> Columns:
    found = {"converged": converged, "residual": solution.residual, "ambiguous": solution.ambiguous, **gaps}
    return {f"{model}_{name}": np.asarray(column) for name, column in found.items()}


def _table(columns: Columns, schema: pa.Schema) -> pa.Table:
    """Columns in their order, null where there is nothing: NaN, a negative count, no text, or no column."""
    return pa.table([_array(columns.get(field.name), field, len(columns["row"])) for field in schema], schema=schema)


def _array(column: np.ndarray | None, field: pa.Field, rows: int) -> pa.Array:
    if column is None:
        return pa.nulls(rows, field.type)
    if pa.types.is_string(field.type):
        return pa.array([text or None for text in column.tolist()], field.type)
    missing = column < 0 if pa.types.is_integer(field.type) else ~np.isfinite(column) if field.nullable else None
    whole = column.astype(int) if pa.types.is_integer(field.type) else column
    return pa.array(whole, field.type, mask=missing)


def _curves(rows: np.ndarray, thetas: Mapping[str, tuple[int, np.ndarray]], steps: int, kept: np.ndarray) -> pa.Table:
    """The curves of some rows, one below the other."""

    def column(first: int, theta: np.ndarray) -> pa.Array:
        whole = np.full((kept.sum(), steps), np.nan)
        whole[:, first : first + theta.shape[1]] = theta[kept]
        return pa.array(whole.ravel(), pa.float64(), mask=~np.isfinite(whole.ravel()))

    places = [np.repeat(rows[kept], steps), np.tile(np.arange(steps), kept.sum())]
    of_models = [column(*thetas[model]) for model in atlas.MODELS]
    return pa.table([*map(pa.array, places), *of_models], schema=atlas.CURVES)


def _named(settings: Config, chosen: Columns, place: int, model: str, solution: Solution) -> str:
    """A configuration whose equation was not solved, in a line."""
    choice = label(settings["optimizer"], {name: float(chosen[name][place]) for name in settings["hyperparameters"]})
    where = [f"learning rate {number(float(chosen[regions.LEARNING_RATE][place]))}", choice]
    where += [f"theta0 {number(float(chosen[regions.THETA0][place]))}", f"{chosen[regions.STEPS][place]:.0f} steps"]
    return f"{', '.join(where)}: {model} NOT CONVERGED, residual {np.asarray(solution.residual)[place]:.3g}"
