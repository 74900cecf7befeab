# Delete damaged and outdated results, figures and tables; the next run builds them again.  It has neither
# input nor output, so that it runs whenever it is asked for, on whatever is there.


rule mend:
    log:
        "results/logs/mend.log",
    localrule: True
    params:
        folders=["results", "figures"],
        artefacts=[*FIGURES, *TABLES, *BEYOND_SHOWN, *ATLAS_SHOWN],
        crate=CRATE,
    conda:
        PACKAGES
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    script:
        "../scripts/mend.py"
