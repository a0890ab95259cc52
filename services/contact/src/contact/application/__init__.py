"""What can be done with contacts, one file each."""
