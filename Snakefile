include: "workflow/rules/common.smk"
include: "workflow/rules/traces.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/table.smk"


localrules:
    all,


rule all:
    input:
        FIGURES,
        TABLES,
