# Decay rates against the length of the memory, where the configuration asks for them.

if RATES:

    rule rates:
        output:
            RATES,
        log:
            "results/logs/rates.log",
        benchmark:
            "results/benchmarks/rates.tsv"
        params:
            code=code("rates.py"),
            rates=configuration.rates_slice(config["rates"]),
        # the longest but for the audit (one minute)
        priority: 2
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(15),
        script:
            "../scripts/rates.py"


    rule rates_figure:
        input:
            rates=RATES[0],
        output:
            [in_report(f"figures/rates.{suffix}", "rates", "claims", "rates") for suffix in ("png", "pdf")],
        log:
            "results/logs/rates_figure.log",
        benchmark:
            "results/benchmarks/rates_figure.tsv"
        params:
            code=code("rates_figure.py"),
            rates=config["rates"],
            settings=settings("rates"),
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(5),
        script:
            "../scripts/rates_figure.py"
