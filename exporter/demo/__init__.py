"""A simulated company behind vendor-shaped APIs, so that everything can be tried without an account anywhere.

`company` and what it is made of (`staff`, `rhythm`, `sales`, `service`, `phones`) know no vendor; the modules of a
vendor's shape (`hubspot_api` and its like) serve the same company as that vendor would. `vendors` lists them,
`exchange` writes the config that reads a choice of them. `server.launch` starts all of it in a process of its own,
`server.serve` in a thread, `server.main` here and now.
"""
