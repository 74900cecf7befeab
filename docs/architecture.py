"""Write the generated part of ARCHITECTURE.md: the rooms, what each is for, and which imports which."""

import ast
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PAGE, LIBRARY = ROOT / "ARCHITECTURE.md", ROOT / "src" / "optide"
BEGIN, END = "<!-- rooms, written by `make docs` -->\n", "<!-- end of rooms -->\n"


def rooms() -> str:
    """A picture of the rooms for Mermaid, and a table of them; from the top, each imports only what is below it."""
    graph = grimp.build_graph("optide", cache_dir=None)
    names = sorted(path.name for path in LIBRARY.iterdir() if (path / "__init__.py").exists())
    below = {
        name: {
            other
            for other in names
            if other != name
            and graph.find_shortest_chains(f"optide.{name}", f"optide.{other}", as_packages=True)
            and _directly(graph, name, other)
        }
        for name in names
    }
    ordered = sorted(names, key=lambda name: (-_height(name, below), name))
    arrows = [f"    {name} --> {other}" for name in ordered for other in ordered if other in _nearest(name, below)]
    rows = [f"| `{name}` | {_purpose(name)} | {_size(name)} | {', '.join(sorted(below[name]))} |" for name in ordered]
    return "\n".join(
        [
            "\n```mermaid\ngraph TD",
            *arrows,
            "```\n\n(Arrows that follow from others are left out.)\n",
            "| room | what is in it | modules | imports |",
            "|---|---|---|---|",
            *rows,
            "\n",
        ]
    )


def _directly(graph: grimp.ImportGraph, name: str, other: str) -> bool:
    inside = {module for module in graph.modules if f"{module}.".startswith(f"optide.{other}.")}
    own = {module for module in graph.modules if f"{module}.".startswith(f"optide.{name}.")}
    return any(graph.find_modules_directly_imported_by(module) & inside for module in own)


def _height(name: str, below: dict[str, set[str]]) -> int:
    return max((1 + _height(other, below) for other in below[name]), default=0)


def _nearest(name: str, below: dict[str, set[str]]) -> set[str]:
    """What a room imports and does not reach through another one."""
    return {o for o in below[name] if not any(o in _reached(other, below) for other in below[name] if other != o)}


def _reached(name: str, below: dict[str, set[str]]) -> set[str]:
    return below[name].union(*(_reached(other, below) for other in below[name]))


def _purpose(name: str) -> str:
    docstring = ast.get_docstring(ast.parse((LIBRARY / name / "__init__.py").read_text(encoding="utf-8")))
    return docstring.partition("\n")[0]


def _size(name: str) -> str:
    return str(sum(path.name != "__init__.py" for path in (LIBRARY / name).glob("*.py")))


def page(text: str) -> str:
    """The page with its generated part as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + rooms() + END + after


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
