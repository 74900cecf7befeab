"""What the workflow needs to plan: which files a rule depends on, which targets there are, which environment."""
