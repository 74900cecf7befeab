rule table1:
    input:
        comparison=sources("table.py", "elementary.py", "metrics.py", *TABLE_WRITING),
        traces=TRACES,
    output:
        [in_report(path, "table1", "audit", "table 1") for path in table_files("table1")],
    log:
        "results/logs/table1.log",
    benchmark:
        "results/benchmarks/table1.tsv"
    params:
        settings=settings("experiments"),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    script:
        "../scripts/table.py"
