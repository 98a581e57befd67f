"""Reads vendors. A pass over an entity comes in, pages of records and rejections go out.

Start with `base`, the protocol that every provider implements, and `provider`, the frame that most are made of; then
read one of the `providers`.
"""
