"""What is asked of the traces: experiments, table 1, the audit, decay rates."""
