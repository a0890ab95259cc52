"""Pipelines, placements and automation rules."""
