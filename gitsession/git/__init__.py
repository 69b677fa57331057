"""The only door to git: each module here builds the commands of one subject and answers with typed values.

`command` runs one command or keeps one running; `refs`, `objects`, `transfer` and their like stand on it.
Outside this package nobody writes a git argument.
"""

from gitsession.git.command import Repository, plain

__all__ = ["Repository", "plain"]
