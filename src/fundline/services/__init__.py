"""One folder per process. Services never import each other."""
