"""From the user's hand to the pull request: a round of review, what came of it, and the end of a session."""
