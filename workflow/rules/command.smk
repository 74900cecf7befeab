# What was asked for on the command line.

# with none of them Snakemake would wait for ever
for option, value in {"cores": workflow.resource_settings.cores, "jobs": workflow.resource_settings.nodes}.items():
    if value is not None and value < 1:
        stop(f"--{option} {value}: must be at least 1")

# A name that there is not: Snakemake would only say that no rule produces it.
if workflow.is_main_process and "snakemake" in Path(sys.argv[0]).parts[-2:]:
    from snakemake.cli import get_argument_parser

    ASKED, _ = get_argument_parser().parse_known_args(sys.argv[1:])
    if "check" in ASKED.targets:
        from optide.record import manifest

        # before hours of solving
        for name in ("manifest.json", "reference.parquet"):
            if not Path(REFERENCE, name).exists():
                stop(f"{REFERENCE}/{name}: there is none, so nothing to compare with; `optide run accept` writes it")
        try:
            manifest.read(Path(REFERENCE))
        except OptideError as error:
            stop(error)

    RULES = [rule.name for rule in workflow.rules]
    MAKING_ONE = [rule.name for rule in workflow.rules if not rule.has_wildcards()]
    for names, rules in (
        (ASKED.targets, MAKING_ONE),
        (chain(ASKED.forcerun, ASKED.until, ASKED.omit_from, ASKED.prioritize), RULES),
    ):
        # logs and benchmarks of jobs are files that can be asked for too, by whoever knows their names
        known = {*rules, *RESULTS, "results/inputs"}
        for name in names:
            path = os.path.normpath(name)
            if name in {*RULES} - known:
                stop(f"{name}: this rule makes any of many files; name those that are wanted")
            if path not in known and not path.startswith(("results/logs/", "results/benchmarks/")):
                stop(targets.unknown(name, rules, RESULTS))
