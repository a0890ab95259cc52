"""One file per subscription."""
