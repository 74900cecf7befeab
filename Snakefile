report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/traces.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/table.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/rates.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/explorer.smk"
include: "workflow/rules/crate.smk"
include: "workflow/rules/check.smk"
include: "workflow/rules/mend.smk"
include: "workflow/rules/benchmark.smk"


localrules:
    all,
    check,
    accept,
    mend,
    benchmark,


rule all:
    input:
        FIGURES,
        TABLES,
        CRATE,


# last, when all rules are known
include: "workflow/rules/targets.smk"
