"""The simulated company: staff, and deals, leads, tickets and calls drawn from a seed. Start with `company`."""
