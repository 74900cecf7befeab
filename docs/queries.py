"""Run the queries of docs/atlas.md on the data set of the atlas, and keep below each what it prints; or compare.

python docs/queries.py           # write
python docs/queries.py --check   # exit code 1 if another text is there
"""

import argparse
import io
import re
import sys
from contextlib import chdir, redirect_stdout
from pathlib import Path

PAGE = Path(__file__).parent / "atlas.md"
DATA = Path("results/atlas/data")
QUERY = re.compile(
    r"(?<=^```python\n)(?P<code>.*?)(?P<between>^```\n\n```text\n)(?P<printed>.*?)(?=^```$)", re.M | re.S
)
"""The code of a query, and the block below it."""


def printed(code: str, folder: Path) -> str:
    """What a query prints in a folder that has the data set."""
    with chdir(folder), redirect_stdout(io.StringIO()) as output:
        exec(compile(code, PAGE.name, "exec"), {})
    return output.getvalue()


def renewed(text: str, folder: Path) -> str:
    """The page with what its queries print now."""
    return QUERY.sub(lambda found: f"{found['code']}{found['between']}{printed(found['code'], folder)}", text)


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail if queries print something else")
    parser.add_argument("--folder", type=Path, default=Path(), help=f"that has {DATA} (default .)")
    options = parser.parse_args()
    if not (options.folder / DATA).is_dir():
        print(f"{options.folder / DATA}: no such folder; `snakemake --cores 4 atlas` writes it", file=sys.stderr)
        return 1
    text = PAGE.read_text(encoding="utf-8")
    new = renewed(text, options.folder)
    if not options.check:
        PAGE.write_text(new, encoding="utf-8")
    elif new != text:
        print(f"{PAGE.name}: its queries print something else than before; run `make atlas`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
