"""Where the outside comes in."""
