"""What is counted, for which period, and what an account may do."""
