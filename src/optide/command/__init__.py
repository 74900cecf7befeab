"""The command line: solve, compare and list without a line of Python, and the workflow from an installed package."""
