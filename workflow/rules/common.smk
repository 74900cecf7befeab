# The configuration, checked before anything else reads it, and the names of all results.

import functools
import gc
import os
import platform
import re
import sys
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from snakemake.utils import min_version

import optide
from optide.base.arithmetic import ENVIRONMENT
from optide.base.errors import OptideError, failures, stop
from optide.claims import check as claim_check
from optide.claims import region_check, selection
from optide.planning import imports, progress, targets
from optide.problem import plugins, registry
from optide.settings import atlas as regions
from optide.settings import config as configuration
from optide.settings import figures as asked
from optide.settings import layers, yamlfile
from optide.settings import looks as appearance
from optide.settings import maps as planes
from optide.settings import schemes, vocabulary

# what has been imported stays, and the collector of garbage is not to look through it again and again
gc.freeze()

min_version("9.0")

# the folder of the project's Snakefile, whichever workflow this is a part of
HOME = Path(workflow.snakefile).parents[2]
# the library that jobs import, wherever it is installed
LIBRARY = Path(optide.__file__).parent
# the environment of `--software-deployment-method conda`; without that option jobs run in that of Snakemake
PACKAGES = "../envs/optide.yaml"
SCHEMAS = HOME / "workflow" / "schemas"
# the name by which another workflow calls this one, if it is a module of it
MODULE = workflow.modifier.namespace


def placed(path):
    """Where a path of this workflow lies: below the `prefix` of the module, if there is one."""
    return os.path.normpath(workflow.modifier.path_modifier.replace_prefix(path))


# the folder of all results
ROOT = placed(".")


def warn(line):
    """Once, and not by the process of every job."""
    if workflow.is_main_process:
        logger.warning(f"warning: {f'module {MODULE}: ' if MODULE else ''}{line}")


if (HOME / "src").exists() and not LIBRARY.samefile(HOME / "src" / "optide"):
    warn(f"the library is imported from {LIBRARY}, and not from the copy in {HOME}")

# Not with `configfile:`, which takes the last of two equal keys and evaluates Python in templates.
try:
    if MODULE:
        LAYERS = layers.of_module(HOME, MODULE, config if workflow.modifier.skip_configfile else None)
    else:
        LAYERS = layers.given(HOME, workflow.config_settings.configfiles, workflow.config_settings.config)
    config, remarks = layers.settle(LAYERS, yamlfile.read(SCHEMAS / "config.schema.yaml"))
except OptideError as error:
    stop(error)
if not MODULE and not Path(layers.FILE).exists() and not workflow.config_settings.configfiles:
    remarks = [f"{layers.FILE}: there is none here; {LAYERS[0].name} is used", *remarks]
for line in remarks:
    warn(line)

# What the results are held against, where there is such a file here or beside the configuration.
CLAIMS, NOT_JUDGED, ATLAS_CLAIMS, NOT_IN_ATLAS = {}, {}, {}, {}
BESIDE = Path(LAYERS[0].name).with_name("claims.yaml")
PLACES = [] if MODULE and not LAYERS[0].text else [BESIDE] if MODULE else [Path("claims.yaml"), BESIDE]
CLAIMS_FILE = next((path for path in PLACES if os.path.lexists(path)), None)
try:
    if CLAIMS_FILE:
        document = yamlfile.read(CLAIMS_FILE)
        NOT_JUDGED = claim_check.examine(document, yamlfile.read(SCHEMAS / "claims.schema.yaml"), config)
        CLAIMS = {name: claim for name, claim in document["claims"].items() if name not in NOT_JUDGED}
        # without an atlas there is nothing that they are about
        if "atlas_claims" in document and "atlas" in config:
            ATLAS_CLAIMS = document["atlas_claims"]
            NOT_IN_ATLAS = region_check.check(ATLAS_CLAIMS, config)
except OptideError as error:
    stop(f"{CLAIMS_FILE}: {error}")
for reason in chain(NOT_JUDGED.values(), NOT_IN_ATLAS.values()):
    warn(f"{CLAIMS_FILE}: {reason}; the claim is not judged")

# for the report, whose templates see nothing else
config["words"] = vocabulary.words()
config["made_with"] = [
    platform.machine(),
    f"Python {platform.python_version()}",
    *(f"{name} {version(name)}" for name in ("optide", "snakemake", "jax", "numpy", "pyarrow", "matplotlib", "plotly")),
    *(f"{name}={value}" for name, value in ENVIRONMENT.items()),
]

CONTINUOUS, SCHEMES = [*schemes.CONTINUOUS], [*schemes.SCHEMES]
RUNS = [(name, rate) for name, e in config["experiments"].items() for rate in e["learning_rates"]]


def trace(scheme, run):
    return f"results/traces/{scheme}/{run[0]}/lr{run[1]}.parquet"


def code(script, *data):
    """What a rule's script runs, for `params`: an edit of it reruns the rule, another time or place does not."""

    # worked out for the jobs of a process and no others, and once for all jobs of a rule
    @functools.cache
    def found():
        paths = [path for pattern in data for path in LIBRARY.glob(pattern)]
        return imports.digest(HOME / "workflow" / "scripts" / script, LIBRARY, paths)

    def of_job(wildcards):
        return f"{script} and what it imports: {found()}"

    return of_job


def settings(*keys):
    """Entries of the configuration and the claims by key, for the provenance of what depends on them."""
    return {key: configuration.entry({**config, "claims": CLAIMS, "atlas_claims": ATLAS_CLAIMS}, key) for key in keys}


def growing(amount):
    """Of memory or time, for `resources`: a job that failed asks for as much again when it is submitted anew."""
    return lambda wildcards, attempt: amount * attempt


def one_of(names):
    return "|".join(map(re.escape, map(str, names)))


wildcard_constraints:
    scheme=one_of(SCHEMES),
    continuous=one_of(CONTINUOUS),
    experiment=one_of(config["experiments"]),
    figure=one_of(config["figures"]),
    learning_rate=one_of(dict.fromkeys(rate for _, rate in RUNS)),
    optimizer=one_of(registry.OPTIMIZERS),


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


AUDITED = asked.audited(config)


def audited(optimizer):
    return f"results/audit/{optimizer}.parquet"


if AUDITED:
    EXAMPLE = config["audit"]["example"]["experiment"], config["audit"]["example"]["learning_rate"]
    FIGURES += expand("figures/audit.{suffix}", suffix=["png", "pdf"])


def table_files(name):
    return [f"figures/{name}.{suffix}" for suffix in ("csv", "csv-metadata.json", "md", "tex", "html")]


def in_report(path, caption, category, what, subcategory=None):
    """A file of a result that comes in several formats, with what the report says of it.

    Where there are two of each, what and format, the report takes it that there are all four: these need a subcategory.
    """
    return report(
        path,
        caption=f"../report/{caption}.rst",
        category=category,
        subcategory=subcategory,
        labels={"what": what, "format": path.partition(".")[2]},
    )


def figure_in_report(suffix):
    """A figure's file, with what the report says of it."""
    return report(
        f"figures/{{continuous}}/{{figure}}.{suffix}",
        caption="../report/figure.rst",
        category=lambda wildcards: asked.figure_labels(config, wildcards.figure)["objective"],
        subcategory={"png": "on screen (PNG)", "pdf": "in print (PDF)"}[suffix],
        labels=lambda wildcards: {
            **asked.figure_labels(config, wildcards.figure),
            "scheme": wildcards.continuous,
        },
    )


TABLES = [
    path
    for name in ("table1", *(["table2"] if AUDITED else []), *(["claims"] if CLAIMS else []))
    for path in table_files(name)
]
CRATE = "ro-crate-metadata.json"
TRACES = [trace(scheme, run) for scheme in SCHEMES for run in RUNS]
MADE = [*FIGURES, *TABLES, *TRACES, *RATES, *map(audited, AUDITED), CRATE]
TIMES = ["results/times.html", "results/times.csv"]
# no part of `all`
BEYOND_RUNS = configuration.beyond_runs(config["beyond"]) if "beyond" in config else []
BEYOND_TRACES = [f"results/beyond/{problem}/{optimizer}.parquet" for problem, optimizer in BEYOND_RUNS]
BEYOND_FIGURES = expand("figures/beyond/{name}.{suffix}", name=["training", "orders"], suffix=["png", "pdf"])
BEYOND_TABLES = [path for name in ("costs", "orders") for path in table_files(f"beyond/{name}")]
BEYOND_SHOWN = [*BEYOND_FIGURES, *BEYOND_TABLES] if BEYOND_RUNS else []
BEYOND = [*BEYOND_TRACES, *BEYOND_SHOWN]
# nor is this; its files are those of the configuration, whatever portions of it the jobs solve
ATLAS = config.get("atlas")
ATLAS_DATA = {region: regions.files(ATLAS, region) for region in ATLAS["regions"]} if ATLAS else {}


def atlas_data(rows):
    """A file of the data set."""
    return f"results/atlas/data/region={rows.region}/rows-{rows.first:010d}.parquet"


def atlas_curves(region):
    """The curves of a region's sample."""
    return f"results/atlas/curves/{region}.parquet"


def atlas_rows(wildcards):
    """The rows of a file of the data set."""
    (rows,) = (rows for rows in ATLAS_DATA[wildcards.region] if rows.first == int(wildcards.first))
    return rows


def atlas_shard(part, region, first):
    """What a job leaves that solves some rows: these, or the curves among them."""
    return f"results/atlas/shards/{part}/{region}/{first}.parquet"


def atlas_shards(part):
    """What the jobs leave that solve a file of the data set or, for its curves, a region."""

    def of_job(wildcards):
        rows = atlas_rows(wildcards) if "first" in wildcards.keys() else regions.whole(ATLAS, wildcards.region)
        return [atlas_shard(part, *shard[:2]) for shard in regions.shards(ATLAS, rows)]

    return of_job


# the configurations of each of these jobs
ATLAS_SHARDS = {
    (rows.region, str(rows.first)): rows.end - rows.first
    for region in ATLAS_DATA
    for rows in regions.shards(ATLAS, regions.whole(ATLAS, region))
}
STATEMENTS = {name: one for name, one in ATLAS_CLAIMS.get("statements", {}).items() if name not in NOT_IN_ATLAS}
ATLAS_MAPS = expand("figures/atlas/{name}.{suffix}", name=planes.drawn(ATLAS), suffix=["png", "pdf"]) if ATLAS else []
ATLAS_TABLE = [f"figures/atlas/maps.{suffix}" for suffix in ("csv", "csv-metadata.json")] if ATLAS_MAPS else []
ATLAS_PAGE = "figures/atlas/atlas.html"
ATLAS_CLAIMED = table_files("atlas/claims") if STATEMENTS else []
ATLAS_SHOWN = [*ATLAS_MAPS, *ATLAS_TABLE, ATLAS_PAGE, *ATLAS_CLAIMED] if ATLAS else []
ATLAS_FILES = [*map(atlas_data, chain(*ATLAS_DATA.values())), *map(atlas_curves, ATLAS_DATA), *ATLAS_SHOWN]
RESULTS = [*MADE, *TIMES, *BEYOND, *ATLAS_FILES]

# without a prefix the folders are those of the other workflow, too
if not MODULE or ROOT != ".":
    ENDINGS = {Path(path).suffix for path in RESULTS}
    # shards are there until they are joined, or after a run that was interrupted
    SHARDS = [atlas_shard(part, *shard) for part in ("rows", "curves") for shard in ATLAS_SHARDS]
    EXPECTED = {*map(placed, [*RESULTS, *SHARDS, "figures/README.md"])}
    FOLDERS = {"figures": "**/*", "results": "**/*.parquet"}
    for path in sorted(path for name, pattern in FOLDERS.items() for path in Path(placed(name)).glob(pattern)):
        if path.suffix in ENDINGS and str(path) not in EXPECTED:
            warn(f"{path}: no rule produces this file any more; it is not part of the results")


# of a module Snakemake leaves it out
onerror:
    for line in failures(Path("results/logs")):
        print(f"failed: {line}", file=sys.stderr)
