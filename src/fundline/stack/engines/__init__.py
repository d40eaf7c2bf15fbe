"""One module per engine: what it needs before its start, its command line, how to tell that it answers."""
