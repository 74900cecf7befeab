# Regions of the space of configurations, where the configuration asks for them: `snakemake atlas`.  No part of `all`.

if ATLAS:

    # shards done, configurations a second, time left: in a log and, unless it is to be quiet, on the terminal
    if workflow.is_main_process and not MODULE:
        logger.addHandler(
            progress.Progress(
                Path("results/logs/atlas.log"),
                "atlas_shard",
                ATLAS_SHARDS,
                shown=not workflow.output_settings.quiet,
            )
        )

    rule atlas:
        input:
            ATLAS_FILES,


    # independent of each other, in any order
    rule atlas_shard:
        output:
            rows=temp(atlas_shard("rows", "{region}", "{first}")),
            curves=temp(atlas_shard("curves", "{region}", "{first}")),
        log:
            "results/logs/atlas/{region}/{first}.log",
        benchmark:
            "results/benchmarks/atlas/{region}/{first}.tsv"
        wildcard_constraints:
            region=one_of(ATLAS["regions"]),
            first=r"\d+",
        params:
            code=code("atlas_shard.py"),
            part=lambda wildcards: regions.shard_slice(ATLAS, wildcards.region, int(wildcards.first)),
        priority: 1
        conda:
            PACKAGES
        # beside a GPU, for what is hard there
        threads: 2 if ATLAS["processor"] == "gpu" else 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(60),
            gpu=int(ATLAS["processor"] == "gpu"),
        script:
            "../scripts/atlas_shard.py"


    rule atlas_data:
        input:
            rows=atlas_shards("rows"),
        output:
            "results/atlas/data/region={region}/rows-{first}.parquet",
        log:
            "results/logs/atlas_data/{region}/{first}.log",
        benchmark:
            "results/benchmarks/atlas_data/{region}/{first}.tsv"
        wildcard_constraints:
            region=one_of(ATLAS["regions"]),
            first=r"\d+",
        params:
            code=code("atlas_data.py"),
            part=lambda wildcards: regions.region_slice(ATLAS, wildcards.region),
            rows=lambda wildcards: atlas_rows(wildcards)[1:],
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(10),
        script:
            "../scripts/atlas_data.py"


    rule atlas_curves:
        input:
            curves=atlas_shards("curves"),
        output:
            "results/atlas/curves/{region}.parquet",
        log:
            "results/logs/atlas_curves/{region}.log",
        benchmark:
            "results/benchmarks/atlas_curves/{region}.tsv"
        wildcard_constraints:
            region=one_of(ATLAS["regions"]),
        params:
            code=code("atlas_curves.py"),
            part=lambda wildcards: regions.region_slice(ATLAS, wildcards.region),
            rows=lambda wildcards: regions.whole(ATLAS, wildcards.region)[1:],
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(10),
        script:
            "../scripts/atlas_curves.py"


    if STATEMENTS:
        JUDGED = [*dict.fromkeys(region for one in STATEMENTS.values() for region in one["regions"])]

        rule atlas_claims:
            input:
                rows=[atlas_data(rows) for region in JUDGED for rows in ATLAS_DATA[region]],
            output:
                table_files("atlas/claims"),
            log:
                "results/logs/atlas_claims.log",
            benchmark:
                "results/benchmarks/atlas_claims.tsv"
            params:
                code=code("atlas_claims.py"),
                claims={**ATLAS_CLAIMS, "statements": STATEMENTS},
                not_judged=NOT_IN_ATLAS,
                regions={region: regions.region_slice(ATLAS, region) for region in JUDGED},
                settings=settings(
                    "atlas.refine",
                    *(f"atlas.regions.{region}" for region in JUDGED),
                    "atlas_claims.shares",
                    *(f"atlas_claims.statements.{name}" for name in STATEMENTS),
                ),
            conda:
                PACKAGES
            threads: 1
            resources:
                mem_mb=growing(2000),
                runtime=growing(10),
            script:
                "../scripts/atlas_claims.py"


    if ATLAS_MAPS:

        rule atlas_maps:
            input:
                rows=[atlas_data(rows) for region in planes.asked(ATLAS) for rows in ATLAS_DATA[region]],
            output:
                figures=ATLAS_MAPS,
                table=ATLAS_TABLE,
            log:
                "results/logs/atlas_maps.log",
            benchmark:
                "results/benchmarks/atlas_maps.tsv"
            params:
                code=code("atlas_maps.py"),
                part=lambda wildcards: planes.maps_slice(config),
                settings=settings("atlas.maps"),
            conda:
                PACKAGES
            threads: 1
            resources:
                mem_mb=growing(2000),
                runtime=growing(30),
            script:
                "../scripts/atlas_maps.py"


    rule atlas_page:
        input:
            rows=[atlas_data(rows) for rows in chain(*ATLAS_DATA.values())],
            curves=[*map(atlas_curves, ATLAS_DATA)],
        output:
            ATLAS_PAGE,
        log:
            "results/logs/atlas_page.log",
        benchmark:
            "results/benchmarks/atlas_page.tsv"
        params:
            code=code("atlas_page.py", "show/templates/*"),
            part=lambda wildcards: planes.page_slice(config),
            settings=settings("atlas.regions"),
        conda:
            PACKAGES
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(30),
        script:
            "../scripts/atlas_page.py"
