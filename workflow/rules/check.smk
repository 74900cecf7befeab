# Bits: compare everything with the accepted manifest, or accept what is there now.  Neither has an
# output, so that both run whenever they are asked for.

ACCEPTED = "reproducibility"
# where nothing was accepted, the paper's configuration has what was accepted of it
REFERENCE = ACCEPTED
if not MODULE and not os.path.lexists(f"{ACCEPTED}/manifest.json") and layers.is_beside(HOME, LAYERS):
    REFERENCE = str(HOME / ACCEPTED)

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
            folder=REFERENCE if task == "check" else ACCEPTED,
            task=task,
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=1000,
            runtime=5,
        script:
            "../scripts/check.py"
