"""Rules of attendances: when one begins, what counts in it, when it ends."""
