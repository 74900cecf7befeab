# A figure is drawn once from each scheme of the equation.


rule figure:
    input:
        drawing=sources("plotting.py", "provenance.py", "traces.py"),
        traces=lambda wildcards: [
            trace(scheme, run)
            for scheme in ("discrete", wildcards.continuous)
            for run in configuration.figure_runs(config, wildcards.figure)
        ],
    output:
        multiext("figures/{continuous}/{figure}", ".png", ".pdf"),
    log:
        "results/logs/figure/{continuous}/{figure}.log",
    benchmark:
        "results/benchmarks/figure/{continuous}/{figure}.tsv"
    params:
        figure=lambda wildcards: config["figures"][wildcards.figure],
        places=lambda wildcards: configuration.looks(config, wildcards.figure),
        settings=lambda wildcards: settings(*configuration.figure_keys(config, wildcards.figure)),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    script:
        "../scripts/figure.py"
