"""WAHA: reading what its webhooks say. `translate_inbound.py` is the way in.

`guide 6.2` and the like in the docstrings are sections of the WAHA guide among the project's reference pages.
"""
