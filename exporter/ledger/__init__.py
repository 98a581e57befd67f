"""Seals the results of periods that are over, and restates them when records or the config change later.

In: a config, the store and the current time. Out: seals, restatements and looks in the store's ledger. Start reading
at keeper.py: periods.py says which periods are final, closing.py evaluates them as of their ends, digests.py says on
what a result rests, reach.py which periods a change can affect, and causes.py why a result changed.
"""
