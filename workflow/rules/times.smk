# What all jobs took.  No part of what is checked: its numbers are those of a machine.


rule times:
    # not the records that it sums up: as long as the results are there, nothing runs again for the lack of those
    input:
        MADE,
    output:
        in_report(TIMES[0], "times", "overview", "times", "where time goes"),
        TIMES[1],
    log:
        "results/logs/times.log",
    localrule: True
    params:
        code=code("times.py"),
    conda:
        PACKAGES
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    script:
        "../scripts/times.py"
