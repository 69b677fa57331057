"""The handle on a running session."""

from gitsession.session.handle import Session as Session
