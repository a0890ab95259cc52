"""Deadlines, kept by Temporal."""
