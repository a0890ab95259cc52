"""What outsiders trigger."""
