"""The project's workflow, run in a folder as a user would."""

import os
import re
import tempfile

import yaml

import warm
from conftest import ROOT

PREFIX = "optide: error: "
REDUCED = ROOT / "tests" / "reduced" / "config.yaml"
CLAIMED = ROOT / "tests" / "reduced" / "claims.yaml"
PROGRAMS = tempfile.TemporaryDirectory(prefix="optide-programs-")
"""Where all runs find what one of them has compiled."""


def snakemake(folder, *arguments, cores=2, home=ROOT, python=None, **variables):
    """Run the project's workflow, that in `home`, in `folder`: exit code and everything it printed.

    By a warm Python, where no other is named.
    """
    started = ["-m", "snakemake", "--snakefile", home / "Snakefile", "--directory", folder, "--cores", str(cores)]
    environment = {**os.environ, "PYTHONWARNINGS": "default", "OPTIDE_PROGRAMS": PROGRAMS.name, **variables}
    jobs = "--dry-run" not in arguments and variables.get("PYTHONWARNINGS") != "ignore"
    run = warm.run([*started, *arguments], kind="main", scripts=jobs, python=python, env=environment)
    return run.returncode, run.stdout + run.stderr


def error(folder, *arguments):
    """The one line with which the project's workflow ends in `folder`."""
    code, output = snakemake(folder, *arguments, PYTHONWARNINGS="ignore")  # Snakemake leaves folders of its own open
    assert code != 0
    (line,) = (line for line in output.splitlines() if not line.startswith("Using workflow specific profile"))
    assert line.startswith(PREFIX)
    return line.removeprefix(PREFIX)


def planned(folder, *arguments, **options):
    """The outputs that a dry run would build, without its log and benchmark files."""
    code, output = snakemake(folder, "--dry-run", *arguments, **options)
    assert code == 0, output
    outputs = re.findall(r"^    output: (.*)$", output, flags=re.MULTILINE)
    return {name for line in outputs for name in line.split(", ")}


def edited(folder, change):
    config = yaml.safe_load(REDUCED.read_text())
    change(config)
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
