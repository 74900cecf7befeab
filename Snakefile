include: "workflow/rules/common.smk"
include: "workflow/rules/traces.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/table.smk"
include: "workflow/rules/crate.smk"
include: "workflow/rules/check.smk"


localrules:
    all,
    check,
    accept,


rule all:
    input:
        FIGURES,
        TABLES,
        CRATE,
