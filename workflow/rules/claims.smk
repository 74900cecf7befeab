# Judge the claims, where there are any.

if CLAIMS:

    rule claims:
        input:
            traces=[trace(scheme, (name, rate)) for scheme, name, rate in selection.runs(CLAIMS)],
        output:
            [in_report(path, "claims", "claims", "claims") for path in table_files("claims")],
        log:
            "results/logs/claims.log",
        benchmark:
            "results/benchmarks/claims.tsv"
        params:
            code=code("claims.py"),
            claims=CLAIMS,
            not_judged=NOT_JUDGED,
            settings=settings(
                *dict.fromkeys(f"experiments.{name}" for _, name, _ in selection.runs(CLAIMS)),
                *(f"claims.{name}" for name in CLAIMS),
            ),
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(10),
        script:
            "../scripts/claims.py"
