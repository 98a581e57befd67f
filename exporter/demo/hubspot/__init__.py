"""A fake HubSpot CRM API that serves the simulated company. Start with `api`; `access` checks tokens and limits."""
