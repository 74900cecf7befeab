# A figure is drawn once from each scheme of the equation; a contact sheet shows the converged ones.


def figure_in_report(suffix):
    """A figure's file, with what the report says of it."""
    return report(
        f"figures/{{continuous}}/{{figure}}.{suffix}",
        caption="../report/figure.rst",
        category=lambda wildcards: configuration.figure_labels(config, wildcards.figure)["objective"],
        subcategory={"png": "on screen (PNG)", "pdf": "in print (PDF)"}[suffix],
        labels=lambda wildcards: {
            **configuration.figure_labels(config, wildcards.figure),
            "scheme": wildcards.continuous,
        },
    )


rule figure:
    input:
        drawing=sources(*DRAWING, "traces.py"),
        traces=lambda wildcards: [
            trace(scheme, run)
            for scheme in ("discrete", wildcards.continuous)
            for run in configuration.figure_runs(config, wildcards.figure)
        ],
    output:
        figure_in_report("png"),
        figure_in_report("pdf"),
    log:
        "results/logs/figure/{continuous}/{figure}.log",
    benchmark:
        "results/benchmarks/figure/{continuous}/{figure}.tsv"
    params:
        figure=lambda wildcards: config["figures"][wildcards.figure],
        places=lambda wildcards: configuration.looks(config, wildcards.figure),
        settings=lambda wildcards: settings(*configuration.figure_keys(config, wildcards.figure)),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    script:
        "../scripts/figure.py"


rule gallery:
    input:
        drawing=sources("gallery.py", "provenance.py"),
        figures=expand("figures/converged/{figure}.png", figure=config["figures"]),
    output:
        in_report(GALLERY, "gallery", "overview", "gallery"),
    log:
        "results/logs/gallery.log",
    benchmark:
        "results/benchmarks/gallery.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    script:
        "../scripts/gallery.py"
