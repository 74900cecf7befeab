# One job per optimizer, objective, learning rate and scheme; hyper-parameters and starting points
# are lanes of the job.


rule trace:
    input:
        solver=[
            path
            for path in sources("*.py", "ide/*.py")
            if Path(path).stem not in ("plotting", "table", "metrics", "schema", "yamlfile", "mend")
        ],
    output:
        trace("{scheme}", ("{experiment}", "{learning_rate}")),
    log:
        "results/logs/trace/{scheme}/{experiment}/lr{learning_rate}.log",
    benchmark:
        "results/benchmarks/trace/{scheme}/{experiment}/lr{learning_rate}.tsv"
    params:
        experiment=lambda wildcards: configuration.experiment_slice(
            config, wildcards.experiment, float(wildcards.learning_rate)
        ),
    # the published scheme is slow: start it first, so that it does not end alone
    priority: 1
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    script:
        "../scripts/trace.py"
