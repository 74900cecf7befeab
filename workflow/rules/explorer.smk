# Every trace, to look at in a browser.


rule explorer:
    input:
        drawing=sources("explorer.py", "provenance.py", "traces.py", "templates/*"),
        traces=TRACES,
    output:
        report(EXPLORER, caption="../report/explorer.rst", category="overview", labels={"what": "explorer"}),
    log:
        "results/logs/explorer.log",
    benchmark:
        "results/benchmarks/explorer.tsv"
    params:
        settings=settings("experiments"),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    script:
        "../scripts/explorer.py"
