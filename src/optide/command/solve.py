"""`optide solve` and `optide compare`."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optide.base.errors import say
from optide.command.late import config, registry
from optide.command.options import HOW, OPTIONS, Configured, optimizer_of
from optide.command.waiting import told

if TYPE_CHECKING:
    from optide.data.traces import Trace
    from optide.ide import Solution
    from optide.studies.single import Compared, Single

NOT_CONVERGED = 3
"""The exit code where there is a result, and the method did not reach its tolerance."""


def _solve(**given: Any) -> int:
    """Solve the equation of an optimizer on an objective.

    \b
    optide solve --optimizer adam --learning-rate 0.1 --objective double_well --theta0 0.1 --steps 100
    """
    with told("solving"):
        single = _asked(given)
        from optide.studies.single import by_equation  # noqa: PLC0415  (it imports JAX)

        solution, trace = by_equation(single)
    _keep(given, {"equation": trace})
    if given["as_json"]:
        _print_json({**_described(single, solution), "points": {n: v.tolist() for n, v in trace.values.items()}})
    else:
        say(f"{_title(single)}\n{solution.message}\n{_end(trace)}")
    return 0 if solution.converged else NOT_CONVERGED


def _compare(**given: Any) -> int:
    """Run the algorithm beside its equation: how far they are apart.

    \b
    optide compare --optimizer adam --learning-rate 0.1 --objective double_well --theta0 0.1 --steps 100
    """
    with told("solving"):
        single = _asked(given)
        from optide.studies.single import by_algorithm, by_equation, compare  # noqa: PLC0415  (it imports JAX)

        algorithm = by_algorithm(single)
        solution, equation = by_equation(single)
    compared = compare(algorithm, equation, given["substeps"], given["save_every"])
    _keep(given, {"algorithm": algorithm, "equation": equation})
    if given["as_json"]:
        _print_json({**_described(single, solution), "quantities": {n: c._asdict() for n, c in compared.items()}})
    else:
        say(f"{_title(single)}\n{solution.message}\n{_table(compared)}")
    return 0 if solution.converged else NOT_CONVERGED


solve = Configured("solve", callback=_solve, help=_solve.__doc__, params=[*OPTIONS])
compare = Configured("compare", callback=_compare, help=_compare.__doc__, params=[*OPTIONS])


def _asked(given: Mapping[str, Any]) -> "Single":
    optimizer = optimizer_of(given)
    from optide.studies.single import Single  # noqa: PLC0415  (it imports JAX)

    how = {name: given[name] for name in HOW}
    return Single(optimizer, registry.OBJECTIVES[given["objective"]], given["theta0"], given["steps"], how)


def _keep(given: Mapping[str, Any], models: Mapping[str, "Trace"]) -> None:
    """Write what was asked for."""
    if given["parquet"]:
        _write_parquet(given["parquet"], models)
    if given["plot"]:
        os.environ["MPLBACKEND"] = "agg"  # into a file; what a notebook names for itself need not be here
        from optide.show import single as figure  # noqa: PLC0415  (it imports matplotlib)

        figure.save(figure.draw([*models.values()]), given["plot"])


def _write_parquet(path: Path, models: Mapping[str, "Trace"]) -> None:
    """A row for each point of each model, sealed as traces are."""
    import pyarrow as pa  # noqa: PLC0415

    from optide.data import seal  # noqa: PLC0415

    tables = [
        pa.table({"model": pa.repeat(model, len(trace.values["t"])), **trace.values}) for model, trace in models.items()
    ]
    described = {model: trace.configuration for model, trace in models.items()}
    seal.write(path, pa.concat_tables(tables).replace_schema_metadata({"optide": json.dumps(described)}))


def _described(single: "Single", solution: "Solution") -> dict[str, Any]:
    """For JSON: what was solved, and what became of it."""
    configuration = {name: value for name, value in single.described().items() if name not in ("experiment", "set")}
    report = {n: getattr(solution, n) for n in ("converged", "iterations", "residual", "ambiguous", "message")}
    return {"configuration": {**configuration, **single.how}, "equation": report}


def _print_json(value: Any) -> None:
    say(json.dumps(_plain(value), allow_nan=False))


def _plain(value: Any) -> Any:
    """As JSON has it, which knows no NaN and no infinity."""
    if isinstance(value, Mapping):
        return {name: _plain(below) for name, below in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [*map(_plain, value)]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _title(single: "Single") -> str:
    of = config.label(single.optimizer.name, {n: float(v) for n, v in single.optimizer.hyperparameters.items()})
    where = f"{single.objective.name} from theta0 = {config.start(single.theta0)}"
    return f"{of} on {where}, {single.steps} steps, by {single.how['method']}"


def _end(trace: "Trace") -> str:
    """Where the solution ends; with look-ahead its states are those of the next step."""
    at: dict[str, list[str]] = {}
    for name in trace.quantities:
        at.setdefault(f"{trace.place(name)[-1]:.10g}", []).append(f"{name} = {trace.values[name][-1]:.10g}")
    return "; ".join(f"at step {step}: {', '.join(quantities)}" for step, quantities in at.items())


def _table(compared: Mapping[str, "Compared"]) -> str:
    step = next(iter(compared.values())).step
    rows = [
        ("", "algorithm", "equation", "largest gap", "at step"),
        *(
            (name, f"{one.algorithm:.8g}", f"{one.equation:.8g}", f"{one.largest_gap:.3g}", str(one.at_step))
            for name, one in compared.items()
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([*lines, f"(algorithm and equation at step {step}, the last that both have)"])
