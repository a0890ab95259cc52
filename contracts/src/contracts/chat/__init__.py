"""What messaging says of chats."""
