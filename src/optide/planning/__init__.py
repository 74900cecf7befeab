"""What the workflow needs to plan, and its jobs to start: dependencies, targets, the environment, forks."""
