"""Tables for LaTeX: a `longtable` with the rules of booktabs, to be read with \\input."""

from collections.abc import Sequence

_SPECIAL = {
    **{character: f"\\{character}" for character in "_%&#${}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": "$<$", ">": "$>$", "|": "$|$"},
}
_MAP = str.maketrans(_SPECIAL)


def escape(text: str) -> str:
    """Plain ASCII text, so that LaTeX prints it as it is."""
    return text.translate(_MAP)


def longtable(headings: Sequence[str], cells: Sequence[Sequence[str]], columns: str, separation: str = "6pt") -> str:
    """A table whose headings are repeated on each page.

    Args:
        headings: in LaTeX.
        cells: rows of cells, in LaTeX.
        columns: their kinds, as in "lrp{3cm}".
        separation: half of the space between two columns.
    """
    head, *body = (" & ".join(row) + r" \\" for row in (headings, *cells))
    lines = [
        rf"\setlength{{\tabcolsep}}{{{separation}}}",
        rf"\begin{{longtable}}{{{columns}}}",
        *(r"\toprule", head, r"\midrule", r"\endhead"),
        *(r"\bottomrule", r"\endfoot"),
        *body,
        r"\end{longtable}",
    ]
    return "\n".join(lines)
