"""What each method costs: measured in one process and one thread, compiling apart; see results.md."""

import optide

optide.pin()  # also in the processes that are started, before JAX is imported
