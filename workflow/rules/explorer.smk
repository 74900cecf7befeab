# Every trace, to look at in a browser.  It is not in the report: browsers open no page of more than 2 MB
# inside another one.


rule explorer:
    input:
        traces=TRACES,
    output:
        EXPLORER,
    log:
        "results/logs/explorer.log",
    benchmark:
        "results/benchmarks/explorer.tsv"
    params:
        code=code("explorer.py", "show/templates/*"),
        settings=settings("experiments"),
    conda:
        PACKAGES
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    script:
        "../scripts/explorer.py"
