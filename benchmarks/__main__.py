"""Measure, and write benchmarks/results.{csv,md,png} in the current folder: python -m benchmarks."""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from benchmarks import draw, measure
from optide.base import files
from optide.base.errors import OptideError, tell
from optide.settings import yamlfile


def main(arguments: list[str] | None = None) -> int:
    """Measure and write; returns 1 after an error, which is told in one line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what each method costs.")
    parser.add_argument(
        "--settings", type=Path, default=Path(__file__).with_name("settings.yaml"), help="what to measure"
    )
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="the configurations (config.yaml)")
    parser.add_argument(
        "--output", type=Path, default=Path("benchmarks"), help="an existing or new folder (benchmarks)"
    )
    options = parser.parse_args(arguments)
    try:
        settings, config = yamlfile.read(options.settings), yamlfile.read(options.config)
        rows = measure.measure(settings, config, say=lambda line: print(line, flush=True))
        results = pd.DataFrame(rows, columns=measure.COLUMNS)
        options.output.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            csv, page, plot = (
                stack.enter_context(files.aside(options.output / f"results.{suffix}"))
                for suffix in ("csv", "md", "png")
            )
            results.to_csv(csv, index=False)
            draw.write(pd.read_csv(csv), settings, page, plot)
    except (OptideError, OSError) as error:
        tell(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
