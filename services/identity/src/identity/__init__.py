"""Tenants, projects, users, API keys, sign-in."""
