"""One file per queue: its jobs, its worker, its client, at its defaults and at its best documented settings.

Each runs in a venv of its own, as `python -m benchmarks.peers.NAME work` or `… drive`; so what this package and
`benchmarks.drive` import is the standard library's alone.
"""
