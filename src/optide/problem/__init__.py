"""What is solved: objectives, optimizers with their algorithm and their equation, and the discrete algorithm."""
