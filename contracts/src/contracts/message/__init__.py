"""What messaging says of messages."""
