"""The control socket, through which commands ask the running `serve` to work on the store that only it can open.

The socket is `kpi.sock` in the data directory. A request is one line of JSON, and so is its answer.
"""
