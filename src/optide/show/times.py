"""Where the time of a run goes: what its jobs took, each as CSV, and by rule as a page."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from optide.base import clock, files
from optide.base.errors import FileError
from optide.show import tables

_PARTS = ["starting", "compiling", "running"]
_COLUMNS = ["rule", "job", "waited", *_PARTS, "memory"]


def read(folder: Path, results: Collection[str]) -> tuple[pd.DataFrame, list[str]]:
    """What the jobs took that made some results, each when it ran last.

    Args:
        folder: of the benchmarks: Snakemake's (NAME.tsv) and the jobs' own records (NAME.json).
        results: paths; of other results that were made here once nothing is told.

    Returns:
        A row for each job: its rule and name, the seconds that Snakemake waited for it, the processor seconds of its
        parts, and its memory in 2^20 bytes; and the results of which there is no record.

    Raises:
        FileError: a record or a benchmark is damaged.
    """
    rows, wanted = [], {*results}
    for path in sorted(folder.rglob("*.json")):
        took, benchmark = clock.read(path), path.with_suffix(".tsv")
        if wanted.isdisjoint(took.output) or not benchmark.exists():
            continue
        wanted.difference_update(took.output)
        job = path.relative_to(folder).with_suffix("").as_posix()
        rows.append({**took._asdict(), "job": job, "waited": _waited(benchmark)})
    return pd.DataFrame(rows, columns=_COLUMNS), sorted(wanted)


def _waited(benchmark: Path) -> float:
    """The wall time in a benchmark of Snakemake, in seconds."""
    try:
        return float(pd.read_csv(benchmark, sep="\t")["s"].item())
    except (ValueError, KeyError):
        raise FileError(f"{benchmark}: not a benchmark; delete it, and the job is left out of the sum") from None


def by_rule(jobs: pd.DataFrame) -> pd.DataFrame:
    """Sums for each rule, the one that takes the most first, and for all; of the memory the most."""
    grouped = jobs.groupby("rule")
    found = grouped[["waited", *_PARTS]].sum().assign(memory=grouped["memory"].max())
    found.insert(0, "jobs", grouped.size())
    found.insert(2, "processor", found[_PARTS].sum(axis=1))
    found = found.sort_values("processor", ascending=False)
    found.loc["all"] = found.sum().where(found.columns != "memory", found["memory"].max())
    return found.astype({"jobs": int}).reset_index()


def write(jobs: pd.DataFrame, missing: Collection[str], path: str | Path) -> None:
    """Write the jobs as .csv, or the rules as .html, whole or not at all.

    Args:
        jobs: as `read` gives them.
        missing: likewise.
        path: its suffix decides.
    """
    text = jobs.to_csv(index=False) if Path(path).suffix == ".csv" else _page(by_rule(jobs), missing)
    with files.aside(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _page(rules: pd.DataFrame, missing: Collection[str]) -> str:
    def seconds(name: str) -> pd.Series:
        return rules[name].map("{:.1f}".format)

    cells = pd.DataFrame(
        {
            "rule": rules["rule"],
            "jobs": rules["jobs"].astype(str),
            "waited, s": seconds("waited"),
            "processor, s": seconds("processor"),
            **{f"of it {name}": seconds(name) for name in _PARTS},
            "most memory, MiB": rules["memory"].map("{:.0f}".format),
        }
    )
    without = f" There is no record of {len(missing)} results, such as {next(iter(missing))}." if missing else ""
    return tables.web_page(cells, "Where time goes", _NOTE + without)


_NOTE = (
    "Each job as it ran last. Waited is the wall time from its start to its end; jobs that run side by side share it. "
    "The processor's time is the process's own: starting is Python, imports and plug-ins, compiling what JAX traces, "
    "lowers and compiles, running the rest. Most jobs import nothing, as they are forks of one Python that has. "
    "Neither that nor Snakemake itself nor the job that wrote this page is in the sums. "
    "Every job is in results/times.csv."
)
