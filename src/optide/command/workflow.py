"""`optide run`, `optide check` and `optide init`: the workflow in any folder, from an installed package or a clone."""

import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import click
from click.shell_completion import CompletionItem

from optide.base import files
from optide.base.errors import FileError, OptideError, say
from optide.base.home import home
from optide.command.plugged import CONFIGURATION, STEP_UP
from optide.command.values import Cores

WRITTEN = (CONFIGURATION, "claims.yaml", "reproducibility/manifest.json", "reproducibility/reference.parquet")
"""What `init` writes: the paper's configuration, what is claimed of it, and what its results are compared with."""
RULES = (
    *("all", "check", "accept", "mend", "table1", "table2", "claims", "rates", "rates_figure", "audit_figure"),
    *("gallery", "explorer", "crate", "times", "benchmark", "beyond", "beyond_figure", "beyond_table"),
    *("atlas", "atlas_claims", "atlas_maps", "atlas_page"),
)
"""Those that may be named: Snakemake takes seconds to tell them."""


def _targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of figures, in the configuration that would be used, and of rules."""
    figures: list[str] = []
    with suppress(OptideError, ImportError):
        figures = _figures()
    return [CompletionItem(name) for name in (*figures, *RULES) if name.startswith(incomplete)]


_cores = click.option("--cores", type=Cores(), default="all", show_default=True, help="Jobs at once.")
_dry = click.option("--dry-run", "-n", is_flag=True, help="Only say what would run, and why.")


@click.command()
@_cores
@_dry
@click.argument("targets", nargs=-1, shell_complete=_targets)
def run(cores: str, dry_run: bool, targets: tuple[str, ...]) -> None:
    """Run the workflow: all of it, or what is named.

    A target is a figure, as fig05, a rule, as table1 or claims, or a file.  config.yaml of this folder is what runs, or
    else that of the paper, which `optide init` writes.  What follows "--" is for Snakemake:

    \b
    optide run fig05 -- --keep-going
    """
    if not all(targets):
        raise click.UsageError("'' is no target: none at all is everything.")
    _snakemake(cores, dry_run, targets)


@click.command()
@_cores
@_dry
def check(cores: str, dry_run: bool) -> None:
    """Compare all results with the accepted ones, bit by bit."""
    _snakemake(cores, dry_run, ("check",))


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".")
def init(folder: Path) -> None:
    """Write the paper's configuration into a folder.

    Beside config.yaml it writes claims.yaml and what `optide check` compares results with: all of it, or nothing where
    that cannot be.  It overwrites nothing.
    """
    contents = {folder / name: (home() / name).read_bytes() for name in WRITTEN}
    if there := [path for path in contents if os.path.lexists(path)]:
        raise FileError(f"{there[0]}: is there already, and is left as it is; nothing was written")
    files.write_all(contents)
    for path in contents:
        say(f"wrote {path}")


def _snakemake(cores: str, dry_run: bool, targets: Sequence[str]) -> NoReturn:
    """Become Snakemake, so that its signals and its exit code are those of this command."""
    if not importlib.util.find_spec("snakemake"):
        raise FileError(f"the workflow {STEP_UP}")
    try:
        here = Path.cwd()
    except OSError as error:
        raise FileError(f"the working directory: {error.strerror}") from None
    if not os.access(here, os.W_OK):
        raise FileError(f"{here}: nothing can be written to this folder, where results would be")
    place = home()
    options = ["--snakefile", str(place / "Snakefile"), "--cores", cores]
    options += [
        "--workflow-profile",
        str(place / "workflow" / "profiles" / "default"),
        *(["--dry-run"] if dry_run else []),
    ]
    named = [part for target in targets for part in _files(target)]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "snakemake", *options, *named])


def _files(target: str) -> Iterator[str]:
    """What a target stands for: the files of a figure, or else itself, a path from here, for Snakemake."""
    if target not in _figures():
        path = Path(target)
        yield str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else target
        return
    from optide.settings.schemes import CONTINUOUS  # noqa: PLC0415

    for scheme in CONTINUOUS:
        yield from (f"figures/{scheme}/{target}.{suffix}" for suffix in ("png", "pdf"))


def _figures() -> list[str]:
    from optide.settings import layers  # noqa: PLC0415  (the library alone cannot read a configuration)

    whole = layers.merged(layers.given(home(), [], {}))
    figures = whole.get("figures") if isinstance(whole, dict) else None
    return [*figures] if isinstance(figures, dict) else []
