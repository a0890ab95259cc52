"""Attendances of one contact on one chat."""
