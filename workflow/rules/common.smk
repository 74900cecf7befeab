# The configuration, checked before anything else reads it, and the names of all results.

import re
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version, validate

from optide import config as configuration
from optide.errors import OptideError

min_version("9.0")


configfile: "config.yaml"


try:
    validate(config, "../schemas/config.schema.yaml")
except WorkflowError as error:
    raise WorkflowError(f"config.yaml: {configuration.explain(error.__context__)}") from None
try:
    for line in configuration.check(config):
        logger.warning(f"warning: config.yaml: {line}")
except OptideError as error:
    raise WorkflowError(f"config.yaml: {error}") from None

CONTINUOUS = ["published", "converged"]
SCHEMES = ["discrete", *CONTINUOUS]
RUNS = [(name, rate) for name, e in config["experiments"].items() for rate in e["learning_rates"]]
SOURCES = Path(workflow.basedir) / "src" / "optide"
NOT_SOLVING = ("plotting", "table", "metrics", "provenance", "crate")


def trace(scheme, run):
    return f"results/traces/{scheme}/{run[0]}/lr{run[1]}.parquet"


def sources(*patterns):
    """Files of the library that a rule's results depend on: a change of them reruns it."""
    return sorted(str(path) for pattern in patterns for path in SOURCES.glob(pattern))


def settings(*keys):
    """Entries of the configuration by key, for the provenance of what depends on them."""
    return {key: configuration.entry(config, key) for key in keys}


def one_of(names):
    return "|".join(map(re.escape, map(str, names)))


wildcard_constraints:
    scheme=one_of(SCHEMES),
    continuous=one_of(CONTINUOUS),
    experiment=one_of(config["experiments"]),
    figure=one_of(config["figures"]),
    learning_rate=one_of(dict.fromkeys(rate for _, rate in RUNS)),


FIGURES = expand(
    "figures/{continuous}/{figure}.{suffix}", continuous=CONTINUOUS, figure=config["figures"], suffix=["png", "pdf"]
)
TABLES = expand("figures/table1.{suffix}", suffix=["csv", "csv-metadata.json", "md", "tex"])
CRATE = "ro-crate-metadata.json"
TRACES = [trace(scheme, run) for scheme in SCHEMES for run in RUNS]

for path in (*Path("figures").glob("*/*.p[nd][gf]"), *Path("results/traces").glob("*/*/*.parquet")):
    if str(path) not in {*FIGURES, *TRACES}:
        logger.warning(f"warning: {path}: no rule produces this file any more; it is not part of the results")
