"""Billing accounts and usage meters."""
