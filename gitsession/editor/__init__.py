"""The editor of a session: installed once, started beside the clone, reached only through the gate.

`supervise.Editor` is what the agent holds; it takes plain values and callables. `install` brings code-server,
`server` runs it on a private socket, `gate` is the only way in, `tunnel` the way from outside.
"""
