"""What comes in besides requests."""
