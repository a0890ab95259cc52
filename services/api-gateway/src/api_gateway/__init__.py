"""One door for people and programs."""
