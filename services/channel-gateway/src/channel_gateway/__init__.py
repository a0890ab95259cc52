"""Channels, inbound webhooks, what the provider says."""
