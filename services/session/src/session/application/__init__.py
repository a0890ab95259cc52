"""What can be done with sessions, one file each."""
