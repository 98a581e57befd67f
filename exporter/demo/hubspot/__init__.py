"""The simulated company's deals, leads and tickets, shaped as HubSpot's API. Start with `api`."""
