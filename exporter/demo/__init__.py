"""A simulated company behind vendor-shaped APIs, so that everything can be tried without an account anywhere.

`company` and what it is made of (`staff`, `rhythm`, `sales`, `service`, `phones`) know no vendor; one module per
vendor shape (`hubspot_api`, `aircall_api`) serves the same company as that vendor would. `server.launch` starts
all of it in a process of its own, `server.serve` in a thread, `server.main` here and now.
"""
