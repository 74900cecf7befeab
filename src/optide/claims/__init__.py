"""The sentences under the paper's figures as claims that run: `claims.yaml`, measured and judged.

`measures` takes numbers off curves, `equation` off the equation itself; `judge` compares them with the
criteria, which `optide.show.claims` writes down and `optide.show.verdicts` copies into docs/verdicts.md.
`shares` counts in how much of the atlas others hold, by what `regions` measures in its rows.
"""
