"""What whoever refuses a wish says."""
