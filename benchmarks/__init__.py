"""What each method costs: measured in one process and one thread, compiling apart; see results.md."""
