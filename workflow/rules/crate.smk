# An RO-Crate of the whole run.  What went in is copied, so that it stays what it was.

PATTERNS = (
    *("Snakefile", "pyproject.toml", "requirements.lock", "CITATION.cff", "LICENSE"),
    *("workflow/**/*.smk", "workflow/**/*.py", "workflow/**/*.yaml", "workflow/**/*.rst"),
)
ORIGINS = {
    **({"claims.yaml": CLAIMS_FILE} if CLAIMS_FILE else {}),
    **{str(path.relative_to(HOME)): path for pattern in PATTERNS for path in sorted(HOME.glob(pattern))},
    **{
        f"src/optide/{path.relative_to(LIBRARY)}": path
        # no deeper: an installed package has the files of the workflow below `project`, which are named above
        for pattern in ("*.py", "*/*.py", "show/templates/*")
        for path in sorted(LIBRARY.glob(pattern))
    },
}
# beside config.yaml, which names them
OWN = {name: path for plugin in plugins.PLUGINS.values() for name, path in plugin.files.items()}
for name in OWN.keys() & {*ORIGINS, "config.yaml", "claims.yaml"}:
    stop(f"{OWN[name]}: must have another name, as the copies of what went in have a {name} already")
ORIGINS |= OWN
CONFIGURATION = layers.as_yaml(LAYERS)


rule crate:
    input:
        traces=[*TRACES, *RATES, *map(audited, AUDITED)],
        files=[*FIGURES, *TABLES],
    output:
        metadata=CRATE,
        copies=directory("results/inputs"),
    log:
        "results/logs/crate.log",
    benchmark:
        "results/benchmarks/crate.tsv"
    localrule: True
    params:
        inputs=lambda wildcards: "what went in: {}".format(
            imports.of_contents(
                {"config.yaml": CONFIGURATION.encode(), **{name: path.read_bytes() for name, path in ORIGINS.items()}}
            )
        ),
        # What is worked out from the input is not compared with an earlier run's: in another place paths are others.
        configuration=lambda wildcards, input: CONFIGURATION,
        paths=lambda wildcards, input: {name: str(path) for name, path in ORIGINS.items()},
    conda:
        PACKAGES
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    script:
        "../scripts/crate.py"
