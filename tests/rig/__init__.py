"""Stand-ins for what a test cannot have: GitHub, its network, and a machine that disappears.

Nothing here is a mock of our own modules. Each module says what it stands for and what it does not imitate.
"""
