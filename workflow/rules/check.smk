# Bits: compare everything with the accepted manifest, or accept what is there now.  Neither has an
# output, so that both run whenever they are asked for.

# each whole: with `use rule check as accept` another workflow could not take the one without the other
for task in ("check", "accept"):

    rule:
        name:
            task
        input:
            results=[*TRACES, *RATES, *map(audited, AUDITED)],
            files=[*FIGURES, *TABLES],
        log:
            f"results/logs/{task}.log",
        localrule: True
        params:
            folder="reproducibility",
            task=task,
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=1000,
            runtime=5,
        script:
            "../scripts/check.py"
