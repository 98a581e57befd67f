"""A simulated company behind fake HubSpot and Aircall APIs, so that everything can be tried without an account.

`company` simulates deals, leads, tickets and calls from a seed and knows no vendor; `hubspot` and `aircall` serve them
as those vendors would. Start with `server`: `launch` runs the APIs in a process of their own, `serve` in a thread.
"""
