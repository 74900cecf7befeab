# Decay rates against the length of the memory, where the configuration asks for them.

if RATES:

    rule rates:
        input:
            solver=[
                *(p for p in sources("*.py", "ide/*.py") if Path(p).stem not in NOT_SOLVING),
                *sources("elementary.py", "metrics.py", "rates.py", "results.py"),
            ],
        output:
            RATES,
        log:
            "results/logs/rates.log",
        benchmark:
            "results/benchmarks/rates.tsv"
        params:
            rates=config["rates"],
        # it takes a minute: start it early
        priority: 1
        threads: 1
        resources:
            mem_mb=2000,
            runtime=15,
        script:
            "../scripts/rates.py"


    rule rates_figure:
        input:
            drawing=sources(*DRAWING, "linearisation.py", "rates.py", "rates_figure.py", "results.py"),
            rates=RATES[0],
        output:
            [in_report(f"figures/rates.{suffix}", "rates", "claims", "rates") for suffix in ("png", "pdf")],
        log:
            "results/logs/rates_figure.log",
        benchmark:
            "results/benchmarks/rates_figure.tsv"
        params:
            rates=config["rates"],
            settings=settings("rates"),
        threads: 1
        resources:
            mem_mb=1000,
            runtime=5,
        script:
            "../scripts/rates_figure.py"
