"""The places where snapshots are shipped: the remote and the vault, each with what it acknowledged."""
