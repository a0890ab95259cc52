"""`make doctor`: asks every dependency by using it, and names the repair of what does not work."""
