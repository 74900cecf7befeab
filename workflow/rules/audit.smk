# The audit, where the configuration asks for it: one job per optimizer, whose experiments share what is
# compiled; table 2; and the finding in one figure.

if AUDITED:

    rule audit:
        output:
            audited("{optimizer}"),
        log:
            "results/logs/audit/{optimizer}.log",
        benchmark:
            "results/benchmarks/audit/{optimizer}.tsv"
        params:
            code=code("audit.py"),
            part=lambda wildcards: asked.audit_slice(config, wildcards.optimizer),
        # the longest job of all (one to three minutes), then rates and traces: whatever is long begins early
        priority: 3
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(15),
        script:
            "../scripts/audit.py"


    rule table2:
        input:
            traces=[
                trace(scheme, run) for scheme in SCHEMES for run in RUNS if run[0] in chain(*AUDITED.values())
            ],
            audits=[audited(optimizer) for optimizer in AUDITED],
        output:
            [in_report(path, "table2", "audit", "table 2") for path in table_files("table2")],
        log:
            "results/logs/table2.log",
        benchmark:
            "results/benchmarks/table2.tsv"
        params:
            code=code("table2.py"),
            audit=config["audit"],
            settings=settings("audit", *(f"experiments.{name}" for name in chain(*AUDITED.values()))),
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(5),
        script:
            "../scripts/table2.py"


    rule audit_figure:
        input:
            traces=[trace(scheme, EXAMPLE) for scheme in SCHEMES],
        output:
            [in_report(f"figures/audit.{suffix}", "audit", "audit", "audit") for suffix in ("png", "pdf")],
        log:
            "results/logs/audit_figure.log",
        benchmark:
            "results/benchmarks/audit_figure.tsv"
        params:
            code=code("audit_figure.py"),
            example=config["audit"]["example"],
            settings=settings("audit.example", f"experiments.{EXAMPLE[0]}"),
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(5),
        script:
            "../scripts/audit_figure.py"
