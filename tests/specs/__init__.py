"""Checks requests, response parsing and the fake APIs against the specifications of the vendors.

Pipedrive, Stripe and Twilio are covered. Start with `specification.py` (one OpenAPI document) and `exchanges.py`
(what a source sends and receives during its passes).
"""
