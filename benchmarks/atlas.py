"""What a fine atlas costs, from a hundredth of it: python -m benchmarks.atlas.

Shards are solved as the workflow's jobs do it, each in a process of its own, one after another.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import machine
from optide.base import clock, files
from optide.base.arithmetic import keep_programs
from optide.settings import atlas as regions
from optide.settings import yamlfile
from optide.settings.config import Config
from optide.studies import atlas, atlas_solve

Row = dict[str, Any]


def measure(settings: Config, every: int) -> Iterator[Row]:
    """A row for each shard that is solved: one of every so many of each region, at least one."""
    code = "import sys; from benchmarks.atlas import alone; alone(*sys.argv[1:])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for name in settings["regions"]:
        shards = regions.shards(settings, regions.whole(settings, name))
        # from the middle of each hundred: the first ones have the first value of the first axis
        chosen = shards[min(every, len(shards)) // 2 :: every]
        with tempfile.TemporaryDirectory() as programs, tempfile.TemporaryDirectory() as folder:
            for shard in chosen:
                given = json.dumps(regions.shard_slice(settings, name, shard.first))
                command = [sys.executable, "-c", code, given, folder, programs]
                subprocess.run(command, check=True, env=environment)
                took = clock.read(Path(folder, "took.json"))
                sizes = {f"{what}_bytes": Path(folder, what).stat().st_size for what in ("rows", "curves")}
                lost = Path(folder, "report").read_text().count("NOT CONVERGED")
                seconds = {f"{part}_s": getattr(took, part) for part in ("starting", "compiling", "running")}
                yield {
                    **{"region": name, "of_shards": len(shards), "of_configurations": regions.count(settings, name)},
                    **{"first": shard.first, "configurations": shard.end - shard.first, "lost": lost},
                    **{**seconds, "memory_mb": took.memory, **sizes},
                }


def alone(given: str, folder: str, programs: str) -> None:
    """Solve a shard that is given in JSON, and leave in a folder what a job would, with what it took."""
    part = json.loads(given)
    keep_programs(Path(programs))
    with clock.recorded(Path(folder, "took.json"), "atlas_shard", []):
        solved = atlas_solve.compute(part)
        atlas.write(Path(folder, "rows"), solved.rows, part)
        atlas.write_curves(Path(folder, "curves"), solved.curves, part)
        Path(folder, "report").write_text(solved.report)


def compiling(own: pd.DataFrame) -> tuple[float, float]:
    """The seconds that the first shard of a region takes to compile, and those that the others do on the average.

    Of one shard alone it is not known what others find of it.
    """
    seconds = own["compiling_s"]
    return seconds.iloc[0], seconds.iloc[1:].mean() if len(seconds) > 1 else seconds.iloc[0]


def whole(rows: pd.DataFrame) -> pd.DataFrame:
    """What all shards of each region would take, if they are as those that were solved."""
    found = []
    for name, own in rows.groupby("region", sort=False):
        measured, count = own["configurations"].sum(), own["of_configurations"].iloc[0]
        shards, starting = own["of_shards"].iloc[0], own["starting_s"].mean()
        first, later = compiling(own)
        found.append(
            {
                **{"region": name, "configurations": count, "measured": measured, "lost": own["lost"].sum()},
                "running_s": own["running_s"].sum() / measured,
                # the last shard is smaller, and starts and compiles no less for it
                "hours": (shards * starting + first + (shards - 1) * later + own["running_s"].sum() / measured * count)
                / 3600,
                "bytes": own["rows_bytes"].sum() / measured * count,
                "memory_mb": own["memory_mb"].max(),
            }
        )
    return pd.DataFrame(found)


def page(rows: pd.DataFrame, refine: int, where: str) -> str:
    """The page about some rows."""
    regions_of = whole(rows)
    shown = pd.DataFrame(
        {
            "region": regions_of["region"],
            "configurations": [f"{n:,}" for n in regions_of["configurations"]],
            "measured": [f"{n:,}" for n in regions_of["measured"]],
            "a second": [f"{1 / s:,.0f}" for s in regions_of["running_s"]],
            "core-hours": [f"{h:.2f}" for h in regions_of["hours"]],
            "data": [f"{b / 2**30:.2f} GiB" for b in regions_of["bytes"]],
            "memory": [f"{m:.0f} MiB" for m in regions_of["memory_mb"]],
            "not converged": [
                f"{lost:,} of {2 * n:,}" for lost, n in zip(regions_of["lost"], regions_of["measured"], strict=True)
            ],
        }
    )
    grouped = rows.groupby("region", sort=False)
    count, measured, running = regions_of["configurations"].sum(), rows["configurations"].sum(), rows["running_s"].sum()
    starting, (first, later) = rows["starting_s"].mean(), np.transpose([compiling(own) for _, own in grouped])
    return (
        "# What a fine atlas costs\n\n"
        f"Measured by `make benchmark` on: {where}.\n\n"
        f"With `refine: {refine}` the atlas has {count:,} configurations, of which {measured:,} were solved, in "
        f"{len(rows)} shards; the rest is multiplied up. Processor time of one core at a time. *A second* leaves out "
        f"what each shard takes to start, {starting:.1f} s, and to compile, {first.mean():.1f} s on the average for "
        f"the first of a region and {later.min():.1f} s for others, which find its programs; *core-hours* have it.\n\n"
        f"{shown.to_markdown(index=False, disable_numparse=True)}\n\n"
        f"In all {regions_of['hours'].sum():.1f} core-hours and {regions_of['bytes'].sum() / 2**30:.1f} GiB of data; "
        f"{measured / running:,.0f} configurations a second, each solved three ways.\n"
    )


def main(arguments: list[str] | None = None) -> None:
    """Measure, and write atlas.{csv,md}."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.atlas", description="Measure what a fine atlas costs.")
    parser.add_argument("--settings", type=Path, default=Path(__file__).with_name("settings.yaml"))
    parser.add_argument("--configuration", type=Path, default=Path("config.yaml"))
    parser.add_argument("--output", type=Path, default=Path("benchmarks"))
    options = parser.parse_args(arguments)
    chosen = yamlfile.read(options.settings)["atlas"]
    settings = {**yamlfile.read(options.configuration)["atlas"], "refine": chosen["refine"]}
    rows = pd.DataFrame(measure(settings, chosen["every"]))
    options.output.mkdir(parents=True, exist_ok=True)
    with files.aside(options.output / "atlas.csv") as csv, files.aside(options.output / "atlas.md") as text:
        rows.to_csv(csv, index=False)
        Path(text).write_text(page(pd.read_csv(csv), chosen["refine"], machine()), encoding="utf-8")


if __name__ == "__main__":
    main()
