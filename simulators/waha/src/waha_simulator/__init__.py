"""WAHA and the WhatsApp behind it, simulated: real protocol, signed webhooks, a ledger, and faults by seed.

The outside world of Ventros CRM. This package imports nothing of the project, and the project's services import
nothing of it:
they meet over HTTP only. Tests may import `waha_simulator.payloads` and `waha_simulator.signing` as fixtures.
"""
