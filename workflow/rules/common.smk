# The configuration, checked before anything else reads it, and the names of all results.

import platform
import re
import shlex
import sys
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from snakemake.utils import min_version, update_config

from optide._runtime import ENVIRONMENT, pin
from optide.errors import OptideError, failures

# The arithmetic of every job: it is started from here, with this environment, or reads this file itself.  Before
# all that may import JAX.
try:
    pin()
except OptideError as error:
    sys.exit(f"optide: error: {error}")

from optide import config as configuration
from optide import yamlfile
from optide.claims import check as claim_check

min_version("9.0")

# Snakemake puts it, as it is, into the shell command of a script: a space in the path would end it
sys.executable = shlex.quote(sys.executable)

SCHEMAS = Path(workflow.basedir) / "workflow" / "schemas"
SCHEMA = SCHEMAS / "config.schema.yaml"
CLAIMS_FILE = "claims.yaml"

# Not with `configfile:`, which takes the last of two equal keys and evaluates Python in templates.
try:
    command_line = config
    config = yamlfile.read("config.yaml") if Path("config.yaml").exists() or not command_line else {}
    update_config(config, command_line)
    for line in configuration.examine(config, yamlfile.read(SCHEMA)):
        logger.warning(f"warning: config.yaml: {line}")
except OptideError as error:
    sys.exit(f"config.yaml: {error}")

# What the results are held against, where there is such a file.
CLAIMS, NOT_JUDGED = {}, {}
try:
    if Path(CLAIMS_FILE).exists():
        document = yamlfile.read(CLAIMS_FILE)
        NOT_JUDGED = claim_check.examine(document, yamlfile.read(SCHEMAS / "claims.schema.yaml"), config)
        CLAIMS = {name: claim for name, claim in document["claims"].items() if name not in NOT_JUDGED}
except OptideError as error:
    sys.exit(f"{CLAIMS_FILE}: {error}")
for reason in NOT_JUDGED.values():
    logger.warning(f"warning: {CLAIMS_FILE}: {reason}; the claim is not judged")
# for the front page of the report, whose template sees nothing else
config["made_with"] = [
    platform.machine(),
    f"Python {platform.python_version()}",
    *(f"{name} {version(name)}" for name in ("optide", "snakemake", "jax", "numpy", "pyarrow", "matplotlib", "plotly")),
    *(f"{name}={value}" for name, value in ENVIRONMENT.items()),
]

CONTINUOUS = ["published", "converged"]
SCHEMES = ["discrete", *CONTINUOUS]
RUNS = [(name, rate) for name, e in config["experiments"].items() for rate in e["learning_rates"]]
SOURCES = Path(workflow.basedir) / "src" / "optide"
NOT_SOLVING = (
    *("plotting", "logscale", "table", "tables", "html", "latex", "elementary", "metrics", "provenance", "crate"),
    *("schema", "yamlfile", "mend", "rates", "rates_figure", "linearisation", "explorer", "gallery"),
    *("audit", "audit_figure", "audit_solve", "richardson", "table2", "results"),
)
TABLE_WRITING = ("html.py", "latex.py", "provenance.py", "tables.py", "traces.py")


def trace(scheme, run):
    return f"results/traces/{scheme}/{run[0]}/lr{run[1]}.parquet"


def sources(*patterns):
    """Files of the library that a rule's results depend on: a change of them reruns it."""
    return sorted(str(path) for pattern in patterns for path in SOURCES.glob(pattern))


def settings(*keys):
    """Entries of the configuration and the claims by key, for the provenance of what depends on them."""
    return {key: configuration.entry({**config, "claims": CLAIMS}, key) for key in keys}


def one_of(names):
    return "|".join(map(re.escape, map(str, names)))


wildcard_constraints:
    scheme=one_of(SCHEMES),
    continuous=one_of(CONTINUOUS),
    experiment=one_of(config["experiments"]),
    figure=one_of(config["figures"]),
    learning_rate=one_of(dict.fromkeys(rate for _, rate in RUNS)),
    optimizer=one_of(configuration.HYPERPARAMETERS),


GALLERY, EXPLORER = "figures/gallery.png", "figures/explorer.html"
FIGURES = [
    *expand(
        "figures/{continuous}/{figure}.{suffix}", continuous=CONTINUOUS, figure=config["figures"], suffix=["png", "pdf"]
    ),
    GALLERY,
    EXPLORER,
]
RATES = ["results/rates.parquet"] if "rates" in config else []
if RATES:
    FIGURES += expand("figures/rates.{suffix}", suffix=["png", "pdf"])


AUDITED = configuration.audited(config)


def audited(optimizer):
    return f"results/audit/{optimizer}.parquet"


if AUDITED:
    EXAMPLE = config["audit"]["example"]["experiment"], config["audit"]["example"]["learning_rate"]
    FIGURES += expand("figures/audit.{suffix}", suffix=["png", "pdf"])


def table_files(name):
    return [f"figures/{name}.{suffix}" for suffix in ("csv", "csv-metadata.json", "md", "tex", "html")]


def in_report(path, caption, category, what):
    """A file of a result that comes in several formats, with what the report says of it."""
    return report(
        path, caption=f"../report/{caption}.rst", category=category, labels={"what": what, "format": path.partition(".")[2]}
    )


TABLES = [
    path
    for name in ("table1", *(["table2"] if AUDITED else []), *(["claims"] if CLAIMS else []))
    for path in table_files(name)
]
CRATE = "ro-crate-metadata.json"
TRACES = [trace(scheme, run) for scheme in SCHEMES for run in RUNS]

for path in (*Path("figures").glob("**/*.p[nd][gf]"), *Path("results/traces").glob("*/*/*.parquet")):
    if str(path) not in {*FIGURES, *TRACES}:
        logger.warning(f"warning: {path}: no rule produces this file any more; it is not part of the results")


onerror:
    for line in failures(Path("results/logs")):
        print(f"failed: {line}", file=sys.stderr)
