"""What can be done with chats and messages, one file each."""
