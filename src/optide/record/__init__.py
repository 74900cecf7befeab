"""What was accepted, how far it is from what is there, and the RO-Crate."""
