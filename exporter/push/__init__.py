"""Records that others push over HTTP: from a posted body to the store, acknowledged once they are durable.

`POST /push/SOURCE` comes in, a receipt for every record goes out. Start with `endpoint`, which authenticates the
sender and reads the body. `inbox` parses it with the help of `body`; `deliveries` stores the records in one
transaction and writes the receipts.
"""
