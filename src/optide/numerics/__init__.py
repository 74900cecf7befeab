"""Numbers of curves, whatever made them: gaps, rates, limits; elementary functions with fixed bits."""
