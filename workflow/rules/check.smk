# Bits: compare everything with the accepted manifest, or accept what is there now.  Neither has an
# output, so that both run whenever they are asked for.


rule check:
    input:
        results=[*TRACES, *RATES, *map(audited, AUDITED)],
        files=[*FIGURES, *TABLES],
    log:
        "results/logs/check.log",
    params:
        folder="reproducibility",
    conda:
        PACKAGES
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    script:
        "../scripts/check.py"


use rule check as accept with:
    log:
        "results/logs/accept.log",
