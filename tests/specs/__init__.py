"""What we ask, what we read and what our fakes answer, held against the files that vendors publish of their APIs.

These are Pipedrive, Stripe and Twilio. Asterisk publishes one of ARI, which we do not call.
"""
