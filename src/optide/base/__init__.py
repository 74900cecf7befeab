"""What all rooms stand on: errors in one line, whole files, words, the arithmetic of the process and what it takes."""
