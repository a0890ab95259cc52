"""Structured logs, metrics, traces."""
