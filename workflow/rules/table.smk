rule table1:
    input:
        comparison=sources("table.py", "latex.py", "elementary.py", "metrics.py", "provenance.py", "traces.py"),
        traces=TRACES,
    output:
        multiext("figures/table1", ".csv", ".csv-metadata.json", ".md", ".tex"),
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
