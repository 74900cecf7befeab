# What each method costs, measured by what is in a clone only.  No part of `all`: its numbers are those of a machine.

if (HOME / "benchmarks").exists():

    # without outputs, so that whoever asks for it gets a measurement, and not what is there
    rule benchmark:
        log:
            "results/logs/benchmark.log",
        localrule: True
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=4000,
            runtime=60,
        params:
            home=str(HOME),
            python=sys.executable,
        shell:
            "export PYTHONPATH={params.home:q}; "
            "( {params.python:q} -m benchmarks && {params.python:q} -m benchmarks.many && {params.python:q} -m benchmarks.atlas ) 2>&1 | tee {log:q}"
