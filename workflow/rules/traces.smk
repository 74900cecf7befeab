# One job per optimizer, objective, learning rate and scheme; hyper-parameters and starting points
# are lanes of the job.


rule trace:
    output:
        trace("{scheme}", ("{experiment}", "{learning_rate}")),
    log:
        "results/logs/trace/{scheme}/{experiment}/lr{learning_rate}.log",
    benchmark:
        "results/benchmarks/trace/{scheme}/{experiment}/lr{learning_rate}.tsv"
    params:
        code=code("trace.py"),
        experiment=lambda wildcards: configuration.experiment_slice(
            config, wildcards.experiment, float(wildcards.learning_rate)
        ),
    # before what is drawn of them (the published scheme takes up to 20 s, drawing some 2 s)
    priority: 1
    conda:
        PACKAGES
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    script:
        "../scripts/trace.py"
