# An RO-Crate of the whole run.  What went in is copied, so that it stays what it was.

BASE = Path(workflow.basedir)
# that of the working directory, or what --configfile named; all given by --config, there is none
CONFIGURATIONS = [path for path in ("config.yaml", *workflow.configfiles) if Path(path).exists()][:1]
ORIGINS = {
    **dict(zip(["config.yaml"], CONFIGURATIONS)),
    **({CLAIMS_FILE: CLAIMS_FILE} if Path(CLAIMS_FILE).exists() else {}),
    **{
        str(path.relative_to(BASE)): str(path)
        for pattern in (
            *("Snakefile", "pyproject.toml", "requirements.lock", "CITATION.cff", "LICENSE"),
            *("workflow/**/*.smk", "workflow/**/*.py", "workflow/**/*.yaml", "workflow/**/*.rst"),
            *("src/optide/**/*.py", "src/optide/templates/*"),
        )
        for path in sorted(BASE.glob(pattern))
    },
}


localrules:
    crate,


rule crate:
    input:
        sources=ORIGINS.values(),
        traces=[*TRACES, *RATES, *map(audited, AUDITED)],
        files=[*FIGURES, *TABLES],
    output:
        metadata=CRATE,
        copies=directory("results/inputs"),
    log:
        "results/logs/crate.log",
    benchmark:
        "results/benchmarks/crate.tsv"
    params:
        names=list(ORIGINS),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    script:
        "../scripts/crate.py"
