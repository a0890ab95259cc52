"""What is kept where, and with what it is signed and hashed."""
