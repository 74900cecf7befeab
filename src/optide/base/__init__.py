"""What all rooms stand on: errors in one line, whole files, words, and the arithmetic of the process."""
