"""Numbers that the report, the documentation and the README state, and the code defines: they are the same."""

import re

import pytest

from conftest import ROOT
from optide import Adam
from optide.ide import advance, cells, implicit, march, methods, newton, picard, products
from optide.ide.problem import ORIGIN
from optide.numerics import metrics
from optide.problem.objectives import quadratic
from optide.problem.tracing import PROGRAMS
from optide.settings import atlas as regions
from optide.settings import yamlfile
from optide.settings.config import experiment_slice, lanes
from optide.settings.looks import LOOKS
from optide.settings.yamlfile import MAX_VALUES
from optide.show import explorer, plotting, rates_figure, style
from optide.studies import atlas_measures, rates
from vision import APART

BENCHMARK = yamlfile.read(ROOT / "benchmarks/settings.yaml")
SLURM = yamlfile.read(ROOT / "workflow/profiles/slurm/config.yaml")
REGIMES = BENCHMARK["regimes"]
STEPWISE = [("stepwise", "in short ones, of", "nodes with"), ("longer", "again with", "and"), ("longest", "or", "and")]
CONFIG = yamlfile.read(ROOT / "config.yaml")
CONFIGURATIONS = sum(
    len([*lanes(experiment_slice(CONFIG, name, rate))])
    for name, experiment in CONFIG["experiments"].items()
    for rate in experiment["learning_rates"]
)
MEMORY = {
    rule: int(re.search(rf"rule {rule}:.*?growing\((\d+)", (ROOT / path).read_text(encoding="utf-8"), re.DOTALL)[1])
    for rule, path in {"trace": "workflow/rules/traces.smk", "figure": "workflow/rules/figures.smk"}.items()
}
# "march / discrete" and "plain / march" on the longest run
RATIOS = {
    what: float(value.replace(",", ""))
    for what, value in re.findall(
        r"^\| (\w+ / \w+), 150,000 steps +\| +([\d,.]+)",
        (ROOT / "benchmarks/results.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
}
FINE = (ROOT / "benchmarks/atlas.md").read_text(encoding="utf-8")
COARSE, FINER = (
    sum(regions.count(CONFIG["atlas"] | {"refine": refine}, name) for name in CONFIG["atlas"]["regions"])
    for refine in (1, BENCHMARK["atlas"]["refine"])
)
WORDS = {"eight": 8, "nine": 9, "ten": 10, "twelve": 12, "three": 3, "seven": 7, "three thousand": 3000}


def number(text):
    """A number as a page writes it."""
    if text in WORDS:
        return WORDS[text]
    numerator, _, denominator = text.replace(",", "").partition("/")
    return float(numerator) / float(denominator or 1)


STATED = {
    "README.md": [
        (r"all (\d+) configurations compared", CONFIGURATIONS),
    ],
    "docs/library.md": [
        (r"published scheme \(order-(\d+) quadrature", picard.QUADRATURE_ORDER),
        (r"takes (\w+) times as long as the discrete", round(RATIOS["march / discrete"])),
        (r"scheme (\w+ \w+) times as long as \"march\"", round(RATIOS["plain / march"], -3)),
    ],
    "docs/atlas.md": [
        (r"snakemake atlas --cores 4 +# ([\d,]+) configurations", COARSE),
        (r"--cores 4 --config 'atlas=\{refine: (\d+)\}'", BENCHMARK["atlas"]["refine"]),
        (r"With `refine: \d+` there are ([\d,]+) conf", FINER),
        (r"benchmarks.atlas`\): ([\d.]+) core-hours", float(re.search(r"all ([\d.]+) core-", FINE)[1])),
        (r"a row for each configuration, ([\d,]+) in a file", regions.FILE),
        (r"theta stays within (0\.\d+) of it", atlas_measures.NEAR),
        (r"other side of it, by more than (0\.\d+)", atlas_measures.CROSSED),
        (r"ends (\d+) times as far away as it began", atlas_measures.FAR),
    ],
    "benchmarks/atlas.md": [(r"the atlas has ([\d,]+) conf", FINER)],
    "docs/traces.md": [(r"`eps` is (1e-\d+)\s+everywhere", Adam(0.1).eps)],
    "claims.yaml": [
        (r"two iterates that are less than (1e-\d+) apart", picard.TOLERANCE),
        (r"weight (1/2) with which the published scheme starts", picard.RELAXATION[0]),
        (r"rule of order\s+(1000)", picard.QUADRATURE_ORDER),
    ],
    "src/optide/settings/schemes.py": [
        (r"order-(\d+) quadrature", picard.QUADRATURE_ORDER),
        (r"residual below (\S+)\"", advance.TOLERANCE),
    ],
    "workflow/report/workflow.rst": [(r"residual below (\S+?)\.$", advance.TOLERANCE)],
    "workflow/schemas/config.schema.yaml": [
        (r"\"origin\" is (1e-\d+)", ORIGIN),
        (r"a number other than (\d+), the minimum", quadratic.minima[0]),
        (r"Each is a colour in the figure\.\n.*\n.*\n +maxItems: (\d+)", len(rates_figure.PLACES)),
    ],
    "docs/solver.md": [
        (r"Gauss–Legendre rule of (\d+) points", cells.QUADRATURE_ORDER),
        (r"one rule of\s+(\d+) points", picard.QUADRATURE_ORDER),
        (r"on windows of (\d+) nodes", advance.KEPT),
        (r"nodes, or (\d+) in long runs", advance.KEPT_OF_MANY),
        (r"So (\d+) guard blocks", advance.GUARD),
        (r"up to (\d+) nodes goes", march.LONG),
        (r"more than ([\d,]+) nodes together", march.FEW),
        (r"solves (\d+) windows in one call", march.TOGETHER),
        (r"those of the last (\d+) objectives are kept", PROGRAMS),
        (r"asked for (1e-\d+) relative to θ", newton.ENOUGH),
        (r"up to any time, is below (1e-\d+) in these units", advance.TOLERANCE),
        (r"gives up after (\d+) iterations", newton.QUICK[0]),
        (r"Beyond (\d+) \(`coupling", methods.FEW),
        (r"Anderson's acceleration of depth (\d+)\. Windows", products.USUAL.depth[products.SWEEPS]),
        (r"Windows are of (\d+) nodes and", products.USUAL.kept),
        (r"nodes and (\d+) guard nodes; beyond", products.USUAL.guard),
        (r"guard nodes; beyond ([\d,]+) parameters", products.MANY),
        (r"parameters of (\d+) and \d+, with", products.LEAN.kept),
        (r"parameters of \d+ and (\d+), with", products.LEAN.guard),
        (r"several memories of (\d+) and \d+, at", products.LEANER.kept),
        (r"several memories of \d+ and (\d+), at", products.LEANER.guard),
        (r"solved again with (\d+) guard nodes", products.GUARDS[0]),
        (r"guard nodes, and then with (\d+)", products.GUARDS[1]),
        (r"better: (1/\d+) of the way", 1 / advance.DAMPING),
        (r"nothing there, then with depth (\d+)\.", products.LEAN.depth[products.CAREFUL]),
        (r"with its matrix, up to (\d+) parameters", products.MATRIX),
        (r"and each\s+(\d+)th with the first", march.AGAIN),
        (r"leaves more than (1e-\d+) they are no numbers", implicit.GOOD_ENOUGH),
        (r"the first of (\w+) guesses", len(newton.GUESSES)),
        (r"with up to (\d+) iterations", newton.PATIENT[0]),
        *((rf"{before} (\d+) {between} \d+", products.STEPWISE[way][0]) for way, before, between in STEPWISE),
        *((rf"{before} \d+ {between} (\d+)", products.STEPWISE[way][1]) for way, before, between in STEPWISE),
        (r"solves ([\d,]+) random configurations", 9 * REGIMES["lanes"]),
        (r"learning rates (1e-\d+) to 1, memories of 1 to [\d,]+ steps, one in \w+ with", REGIMES["learning_rate"][0]),
        (r"learning rates 1e-\d+ to 1, memories of 1 to ([\d,]+) steps, one in \w+ with", REGIMES["memory"][1]),
        (r"memories of 1 to [\d,]+ steps, one in (\w+) with", 1 / REGIMES["without_memory"]),
        (r"\|θ0\| up to (\d+) on the quadratic", REGIMES["theta0"]["quadratic"][1]),
        (r"all\s+objectives, (\d+) steps", REGIMES["steps"]),
        (r"Per node and Newton step: (\d) gradients", cells.QUADRATURE_ORDER),
    ],
    "docs/rates.md": [
        (r"envelope of \|x\| between (1/2) and", metrics.FIT_START),
        (r"between 1/2 and (1/\d+) of x₀", metrics.FIT_FLOOR),
        (r"not below (1/\d+) of x₀ throughout", metrics.FIT_FLOOR / rates.CLOSER),
        (r"fewer than (\d+) steps are left", metrics.SMALLEST_WINDOW),
    ],
    "docs/robustness.md": [(r"stand for more than\s+([\d,]+) values", MAX_VALUES)],
    "docs/report.md": [(r"A trace of more than (\d+) steps is thinned", explorer.WHOLE)],
    "docs/cluster.md": [
        (r"puts (\d+) traces or \d+ figures", SLURM["group-components"]["traces"]),
        (r"puts \d+ traces or (\d+) figures", SLURM["group-components"]["figures"]),
        (r"The first comes (\d+) s after", SLURM["slurm-init-seconds-before-status-checks"]),
        (r"rules ask for (\d+) MB \(traces", MEMORY["trace"]),
        (r"and (\d+) MB \(figures", MEMORY["figure"]),
    ],
    "figures/README.md": [
        (r"\*\*Size\.\*\* ([\d.]+) inches", plotting.WIDTH),
        (r"with (\d+) pt type", style.STYLE["font.size"]),
        (r"PNG has (\d+) dots per inch", style.STYLE["savefig.dpi"]),
        (r"At most about (\d+) of a\s+curve", plotting.MAX_MARKERS),
        (r"There are (\d+) looks", LOOKS),
        (r"Hues are (\d+) CAM02-UCS units", APART),
        (r"each of the first (\w+) choices", len(style.MARKERS)),
        (r"use (\w+) of the \w+ colours again", style.MORE_HUES),
        (r"use \w+ of the (\w+) colours again", len(style.COLOURS)),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("path", "pattern", "value"), [(p, *rest) for p, found in STATED.items() for rest in found])
def test_a_number_stated_is_that_of_the_code(path, pattern, value):
    found = re.findall(pattern, (ROOT / path).read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert found, f"{path} says nothing like {pattern!r} any more"
    # 1 / 0.1 and the like are exact to rounding
    assert [number(text) for text in found] == pytest.approx([value] * len(found), rel=1e-12)


def test_no_other_page_of_the_report_states_a_tolerance():
    pages = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "workflow/report").glob("*.rst")}
    held = {path.rpartition("/")[2]: len(found) for path, found in STATED.items() if path.startswith("workflow/report")}
    for name, text in pages.items():
        assert len(re.findall(r"\de-\d+|order-\d+", text)) == held.get(name, 0)
