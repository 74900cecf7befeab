# Beyond the paper's problems, where the configuration asks for it: `snakemake beyond`.  No part of `all`: neither the
# paper's results nor their time change.

if BEYOND:

    rule beyond:
        input:
            BEYOND,


    # one job per problem and optimizer, whose runs share what is compiled
    rule beyond_trace:
        output:
            trace="results/beyond/{problem}/{of}.parquet",
            # of a machine: no part of what is compared
            seconds="results/beyond/{problem}/{of}.seconds.csv",
        log:
            "results/logs/beyond/{problem}/{of}.log",
        benchmark:
            "results/benchmarks/beyond/{problem}/{of}.tsv"
        wildcard_constraints:
            problem=one_of(config["beyond"]["problems"]),
            of=one_of(config["beyond"]["optimizers"]),
        params:
            code=code("beyond_trace.py"),
            part=lambda wildcards: configuration.beyond_slice(config["beyond"], wildcards.problem, wildcards.of),
        # before what is drawn of them; the network takes up to two minutes
        priority: 1
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(30),
        script:
            "../scripts/beyond_trace.py"


    rule beyond_figure:
        input:
            traces=BEYOND_TRACES,
        output:
            BEYOND_FIGURES,
        log:
            "results/logs/beyond_figure.log",
        benchmark:
            "results/benchmarks/beyond_figure.tsv"
        params:
            code=code("beyond_figure.py"),
            settings=settings("beyond"),
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(5),
        script:
            "../scripts/beyond_figure.py"


    rule beyond_table:
        input:
            traces=BEYOND_TRACES,
        output:
            BEYOND_TABLES,
        log:
            "results/logs/beyond_table.log",
        benchmark:
            "results/benchmarks/beyond_table.tsv"
        params:
            code=code("beyond_table.py"),
            settings=settings("beyond"),
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(5),
        script:
            "../scripts/beyond_table.py"
