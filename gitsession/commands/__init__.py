"""One verb, one file: what it takes, what it does, and the parser of the command line."""
