"""What can be done with channels and with what they bring, one file each."""
