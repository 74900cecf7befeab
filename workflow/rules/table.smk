rule table1:
    input:
        comparison=sources("table.py", "metrics.py", "traces.py"),
        traces=TRACES,
    output:
        multiext("figures/table1", ".csv", ".md", ".tex"),
    log:
        "results/logs/table1.log",
    benchmark:
        "results/benchmarks/table1.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    script:
        "../scripts/table.py"
