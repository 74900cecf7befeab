"""Names that there are not: the nearest one, and what there is."""

import pytest

from optide.planning import targets

RULES = ["all", "trace", "check", "crate"]
FILES = [
    *(f"figures/{s}/fig{i:02}.{e}" for s in ("published", "converged") for i in range(1, 16) for e in ("png", "pdf")),
    *("figures/gallery.png", "figures/table1.md", "results/rates.parquet", "ro-crate-metadata.json"),
    *(f"results/traces/discrete/quadratic-adam/lr{rate}.parquet" for rate in (0.1, 0.01)),
]
FIGURES = " ".join(f"fig{i:02}" for i in range(1, 16)) + " (.png, .pdf)"
EVERYTHING = (
    "the rules all, trace, check, crate, and files in figures/published, figures/converged, figures, results, "
    "results/traces"
)


@pytest.mark.parametrize(
    ("name", "there", "near"),
    [
        ("figures/converged/fig5.png", FIGURES, "figures/converged/fig05.png"),
        ("figures/converged/fig05.svg", FIGURES, "figures/converged/fig05.png"),
        ("figures/published/fig015.pdf", FIGURES, "figures/published/fig15.pdf"),
        ("figures/converged/fig99.png", FIGURES, "figures/converged/fig09.png"),
        ("figures/table1.markdown", "gallery (.png); table1 (.md)", "figures/table1.md"),
        (
            "results/traces/discrete/quadratic-adam/lr0.10.parquet",
            "lr0.1 lr0.01 (.parquet)",
            "results/traces/discrete/quadratic-adam/lr0.1.parquet",
        ),
        ("chekc", EVERYTHING, "check"),
        ("fig5.png", EVERYTHING, "figures/converged/fig05.png"),
        ("/home/me/figures/converged/fig05.png", EVERYTHING, "figures/converged/fig05.png"),
        ("ro-crate-metadata.jsn", EVERYTHING, "ro-crate-metadata.json"),
        ("zzz", EVERYTHING, None),
    ],
)
def test_the_nearest_name_and_what_there_is(name, there, near):
    hint = f"; did you mean {near!r}?" if near else ""
    assert targets.unknown(name, RULES, FILES) == f"{name}: no rule makes this; there are {there}{hint}"
