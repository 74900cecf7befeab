"""The sentences under the paper's figures as claims that run: `claims.yaml`, measured and judged.

`measures` takes numbers off curves, `equation` off the equation itself; `judge` compares them with the
criteria, `render` writes the verdicts down, `readme` copies them into README.md.
"""
