"""Snapshots: the work tree as it was at one moment, one commit each, in a repository of ours."""
