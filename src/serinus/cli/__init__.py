"""The command line: words in, words and exit codes out. No logic of its own about when to move."""
