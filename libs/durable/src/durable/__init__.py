"""Temporal: one client, one worker role that outlives its absence."""
