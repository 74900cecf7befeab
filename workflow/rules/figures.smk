# A figure is drawn once from each scheme of the equation; a contact sheet shows the converged ones.


rule figure:
    input:
        traces=lambda wildcards: [
            trace(scheme, run)
            for scheme in ("discrete", wildcards.continuous)
            for run in asked.figure_runs(config, wildcards.figure)
        ],
    output:
        figure_in_report("png"),
        figure_in_report("pdf"),
    log:
        "results/logs/figure/{continuous}/{figure}.log",
    benchmark:
        "results/benchmarks/figure/{continuous}/{figure}.tsv"
    params:
        code=code("figure.py"),
        figure=lambda wildcards: config["figures"][wildcards.figure],
        places=lambda wildcards: appearance.looks(config, wildcards.figure),
        settings=lambda wildcards: settings(*asked.figure_keys(config, wildcards.figure)),
    conda:
        PACKAGES
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    script:
        "../scripts/figure.py"


rule gallery:
    input:
        figures=expand("figures/converged/{figure}.png", figure=config["figures"]),
    output:
        in_report(GALLERY, "gallery", "overview", "gallery", "contact sheet"),
    log:
        "results/logs/gallery.log",
    benchmark:
        "results/benchmarks/gallery.tsv"
    params:
        code=code("gallery.py"),
    conda:
        PACKAGES
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    script:
        "../scripts/gallery.py"
