"""One file for each event that is heard."""
