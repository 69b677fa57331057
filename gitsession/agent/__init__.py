"""The background of one open session: a keeper that holds the token, an agent that watches, saves, ships."""
