"""Tables in LaTeX, held against its rules, where no TeX is installed."""

import re


def valid(latex):
    """What TeX would stumble over: groups, environments, cells and characters; rules are those of booktabs."""
    code = re.sub(r"(?<!\\)%.*", "", latex)
    assert code.isascii()
    assert len(re.findall(r"(?<!\\)\{", code)) == len(re.findall(r"(?<!\\)\}", code))
    assert len(re.findall(r"(?<!\\)\$", code)) % 2 == 0
    assert re.findall(r"\\begin\{(.*?)\}", code) == re.findall(r"\\end\{(.*?)\}", code)[::-1]
    (kinds,) = re.findall(r"\\begin\{longtable\}\{(.*)\}\n", code)
    kinds = re.sub(r">\{.*?\}(?=p)|\{.*?\}", "", kinds)
    rows = [line for line in code.splitlines() if line.endswith(r" \\") and "Continued" not in line]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {len(kinds) - 1}
    assert {r"\toprule", r"\midrule", r"\bottomrule"} <= {*code.splitlines()}
    assert r"\hline" not in code
