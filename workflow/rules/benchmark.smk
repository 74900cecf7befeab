# What each method costs.  No part of `all`: its numbers are those of a machine.


# without outputs, so that whoever asks for it gets a measurement, and not what is there
rule benchmark:
    log:
        "results/logs/benchmark.log",
    conda:
        PACKAGES
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        root=shlex.quote(str(HOME)),
        python=sys.executable,
    shell:
        "PYTHONPATH={params.root} {params.python} -m benchmarks 2>&1 | tee {log}"
