"""What can be done with accounts and meters, one file each."""
