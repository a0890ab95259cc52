"""Ids, clock, errors, failpoints: what everything else stands on."""
