"""Coming back: which session to continue, from where, and putting it on this machine."""
