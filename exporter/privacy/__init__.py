"""Personal data: what is kept about whom, and how a person is forgotten.

In: the store and the config. Out: a receipt of what was removed, and a description of what is kept.
"""
