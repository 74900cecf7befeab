rule table1:
    input:
        traces=TRACES,
    output:
        [in_report(path, "table1", "audit", "table 1") for path in table_files("table1")],
    log:
        "results/logs/table1.log",
    benchmark:
        "results/benchmarks/table1.tsv"
    params:
        code=code("table.py"),
        settings=settings("experiments"),
    conda:
        PACKAGES
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    script:
        "../scripts/table.py"
