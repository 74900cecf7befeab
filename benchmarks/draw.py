"""The measurements as a page in Markdown and a plot."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tabulate import tabulate

from optide.problem.registry import HYPERPARAMETERS
from optide.settings.config import Config, label
from optide.show.style import COLOURS, MARKERS, style

LOOKS = {
    "plain": (1, "published scheme, read plainly (estimated)"),
    "picard": (2, "picard"),
    "march": (3, "march"),
    "discrete": (0, "discrete algorithm"),
}
"""Place of colour and marker, and name, of each method."""
LONG, WHOLE, SPEEDUP, PUBLISHED, PER_SECOND, FIRST = 3, 2.5, 1000, 3, 4300, 0.5
"""Goals: march to discrete scan, of the longest run and of all; plain scheme to march, and to picard; batched solves
per second; first solve to diffrax's Tsit5."""


def page(results: pd.DataFrame, settings: Config) -> str:
    """The page results.md.

    Args:
        results: rows of `benchmarks.measure.COLUMNS`.
        settings: that they were measured with.
    """
    parts = dict(iter(results.groupby("part")))
    scaling, goal = _wide(parts["scaling"], ["steps"]), settings["scaling"]["goal_steps"]
    runs = _wide(parts["experiments"], ["experiment", "learning_rate", "theta0", *HYPERPARAMETERS, "steps"])
    ratio = runs["march"] / runs["discrete"]
    batch, memory, regimes = parts["batch"].iloc[0], parts["memory"], parts["regimes"]
    first = _first(parts["first"])
    others = first["march"] / first["tsit5"]
    random = settings["regimes"]
    tried = random["lanes"]
    rate = batch["lanes"] / batch["best_s"]
    compiled = batch["lanes"] / (batch["best_s"] + batch["compile_s"])
    run = label(settings["scaling"]["optimizer"], {})
    whole = runs.sum()
    goals = []
    if goal in scaling.index:
        long = scaling.loc[goal]
        goals += [
            _goal(f"march / discrete, {goal:,} steps", long["march"] / long["discrete"], LONG, below=True),
            _goal(f"plain / march, {goal:,} steps", long["plain"] / long["march"], SPEEDUP),
        ]
    goals += [
        _goal(
            "march / discrete, all runs of the paper together", whole["march"] / whole["discrete"], WHOLE, below=True
        ),
        _goal("plain / march, all runs of the paper together", whole["plain"] / whole["march"], SPEEDUP),
        _goal("plain / picard, all runs of the paper together", whole["plain"] / whole["picard"], PUBLISHED, digits=1),
        _goal(f"converged solves of {batch['steps']} steps of Adam per second", rate, PER_SECOND),
        _goal("first solve / diffrax's of Tsit5, the worst", others.max(), FIRST, below=True, digits=2),
    ]
    sections = [
        "# What each method costs",
        f"Measured by `make benchmark` on: {results['machine'].iloc[0]}.",
        "![cost against steps](results.png)",
        "One process, one thread; compiled programs in turn, compiling not counted (*compiling march*: by how much the "
        "first `solve_ide` of its kind takes longer than the second); the best of "
        f"{settings['repetitions']} repetitions, or of those that fit in {settings['limit_s']} s. All numbers are in "
        "results.csv, medians too. *Plain* is the published scheme with a general-purpose interpolator (interpax): "
        f"{settings['plain']['points']:,} grid points of one sweep were measured (fewer where there are fewer), "
        "and multiplied up to all grid points and to the sweeps that picard needs.",
        "## Goals",
        _table(goals, ["", "measured", "goal", ""]),
        f"## One run, ever longer: {run} on the {settings['scaling']['objective']}, "
        f"learning rate {settings['scaling']['learning_rate']}",
        _table(
            _scaling(parts["scaling"], scaling),
            [
                "steps",
                "discrete",
                "march",
                "march / discrete",
                "median of ratios",
                "ns per step",
                "picard",
                "plain",
                "plain / march",
                "compiling march",
            ],
        ),
        "## The runs of the paper",
        f"{len(runs)} configurations. The worst ratio of march to discrete is {ratio.max():.1f}: "
        f"{_name(ratio.idxmax(), runs)}.",
        _table(
            _experiments(runs, ratio),
            [
                "experiment",
                "learning rate",
                "runs",
                "discrete",
                "march",
                "march / discrete",
                "worst",
                "picard",
                "plain",
                "plain / march",
            ],
        ),
        "## Batch",
        f"{batch['lanes']:.0f} of {settings['batch']['lanes']} random runs of Adam converged in "
        f"{_seconds(batch['best_s'])} "
        f"(median {_seconds(batch['median_s'])}), in {batch['processes']:.0f} processes: {rate:,.0f} per second. The "
        f"first call takes {_seconds(batch['compile_s'])} longer, so with compiling it is {compiled:,.0f} per second.",
        "## The first solve",
        f"{settings['first']['steps']} steps on the {settings['first']['objective']} from "
        f"{settings['first']['theta0']:g}: what the first solve of a process takes of the processor, on one core, "
        f"imports not counted; the median of {settings['first']['repetitions']} processes. Beside it diffrax's of the "
        "gradient flow, with the same memories along it, at the same times.",
        _table(
            [
                [name, *map(_seconds, row), f"{others[name]:.2f}"]
                for name, row in first[["march", "tsit5", "kvaerno3"]].iterrows()
            ],
            ["run", "march", "Tsit5", "Kvaerno3", "march / Tsit5"],
        ),
        "## Regimes",
        f"Of {tried:,} random runs of {random['steps']} steps in each row, learning rates "
        f"{_range(random['learning_rate'])}, memories of {_range(random['memory'])} steps or none; in all, "
        f"{regimes['lanes'].sum():,.0f} of {len(regimes) * tried:,} converged. Times with compiling.",
        _table(
            [
                [r.optimizer, r.objective, f"{r.lanes:,.0f}", f"{r.ambiguous:.0f}", _seconds(r.best_s)]
                for r in regimes.itertuples()
            ],
            ["optimizer", "objective", "converged", "known to have other solutions", "time"],
        ),
        "## Memory",
        "The most that a process needed for one march of the run above, Python, JAX and compiling included.",
        _table(
            [[f"{r.steps:,}", f"{r.save_every:.0f}", f"{r.peak_mb:.0f} MiB"] for r in memory.itertuples()],
            ["steps", "every n-th point kept", "peak"],
        ),
    ]
    return "\n\n".join(sections) + "\n"


def _wide(rows: pd.DataFrame, index: list[str]) -> pd.DataFrame:
    """Best times by method."""
    rows = rows.assign(**{name: rows[name].fillna(-1) for name in index})
    return rows.pivot_table(index=index, columns="method", values="best_s", sort=False)


def _first(rows: pd.DataFrame) -> pd.DataFrame:
    """Medians of the processor times, by run and method."""
    numbers = ["learning_rate", *HYPERPARAMETERS]
    names = [
        label(row["optimizer"], {name: row[name] for name in numbers if pd.notna(row[name])})
        for _, row in rows.iterrows()
    ]
    return rows.assign(run=names).pivot_table(index="run", columns="method", values="median_s", sort=False)


def _goal(what: str, measured: float, goal: float, below: bool = False, digits: int | None = None) -> list[str]:
    met = measured <= goal if below else measured >= goal
    return [
        what,
        f"{measured:,.{int(below) if digits is None else digits}f}",
        f"{'≤' if below else '≥'} {goal:,}",
        "met" if met else "missed",
    ]


def _scaling(rows: pd.DataFrame, times: pd.DataFrame) -> Iterable[list[str]]:
    march = rows[rows["method"] == "march"].set_index("steps")
    for steps, row in times.iterrows():
        given = march.loc[steps] if steps in march.index else None
        yield [
            f"{steps:,}", _seconds(row["discrete"]), _seconds(row["march"]), _ratio(row["march"] / row["discrete"]),
            "" if given is None else _ratio(given["median_ratio"]), f"{row['march'] / steps * 1e9:.0f}",
            _seconds(row["picard"]), _seconds(row["plain"]), _ratio(row["plain"] / row["march"]),
            "" if given is None else _seconds(given["compile_s"]),
        ]  # fmt: skip


def _experiments(runs: pd.DataFrame, ratio: pd.Series) -> Iterable[list[str]]:
    for (name, rate), group in [*runs.groupby(["experiment", "learning_rate"], sort=False), (("all", ""), runs)]:
        total = group.sum()
        yield [
            name, f"{rate}", str(len(group)), _seconds(total["discrete"]), _seconds(total["march"]),
            _ratio(total["march"] / total["discrete"]), _ratio(ratio[group.index].max()), _seconds(total["picard"]),
            _seconds(total["plain"]), _ratio(total["plain"] / total["march"]),
        ]  # fmt: skip


def _name(key: Sequence[Any], runs: pd.DataFrame) -> str:
    given = dict(zip(runs.index.names, key, strict=True))
    betas = [f"{name} = {given[name]:g}" for name in HYPERPARAMETERS if given[name] >= 0]
    about = [f"learning rate {given['learning_rate']:g}", f"theta0 = {given['theta0']:g}", *betas]
    return f"{given['experiment']}, {', '.join(about)}, {given['steps']} steps"


def _seconds(value: float) -> str:
    if np.isnan(value):
        return ""
    if value >= 1000:
        return f"{value:,.0f} s"
    units = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}
    unit = next((unit for unit, size in units.items() if value >= size), "µs")
    return f"{value / units[unit]:.3g} {unit}"


def _range(limits: Sequence[float]) -> str:
    return " to ".join(f"{limit:g}" for limit in limits)


def _ratio(value: float) -> str:
    return "" if np.isnan(value) else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _table(rows: Iterable[Sequence[str]], headings: Sequence[str]) -> str:
    align = ["left", *["right"] * (len(headings) - 1)]
    return tabulate([*rows], headings, tablefmt="pipe", disable_numparse=True, colalign=align)


def plot(results: pd.DataFrame) -> Figure:
    """Cost of the run that gets ever longer, against its steps."""
    rows = results[results["part"] == "scaling"]
    with style():
        figure = Figure(figsize=(5.0, 3.6), layout="constrained")
        FigureCanvasAgg(figure)
        panel = figure.subplots()
        for method, (place, name) in LOOKS.items():
            chosen = rows[rows["method"] == method]
            panel.plot(
                chosen["steps"], chosen["best_s"], color=COLOURS[place], marker=MARKERS[place], label=name,
                markerfacecolor="none", linestyle="--" if method == "plain" else "-",
            )  # fmt: skip
        panel.set(xscale="log", yscale="log", xlabel="steps", ylabel="time (s)")
        figure.legend(loc="outside upper center", ncols=2)
        figure.draw_without_rendering()
    return figure


def write(results: pd.DataFrame, settings: Config, page_path: Path, plot_path: Path) -> None:
    """Write both."""
    figure = plot(results)
    page_path.write_text(page(results, settings), encoding="utf-8")
    with style():
        figure.savefig(plot_path, format="png")
