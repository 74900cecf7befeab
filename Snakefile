include: "workflow/rules/common.smk"
include: "workflow/rules/interpreter.smk"
include: "workflow/rules/traces.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/table.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/rates.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/explorer.smk"
include: "workflow/rules/crate.smk"
include: "workflow/rules/times.smk"
include: "workflow/rules/check.smk"
include: "workflow/rules/mend.smk"
include: "workflow/rules/benchmark.smk"
include: "workflow/rules/beyond.smk"
include: "workflow/rules/atlas.smk"


rule all:
    input:
        FIGURES,
        TABLES,
        CRATE,
        TIMES,


# The command line and the front page of the report are those of the workflow that this one is a module of.
if not MODULE:

    report: "workflow/report/workflow.rst"

    include: "workflow/rules/slurm.smk"
    # last, when all rules are known
    include: "workflow/rules/command.smk"
