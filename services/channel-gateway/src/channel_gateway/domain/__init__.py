"""What channel-gateway knows about channels and messages, free of any provider and any technology."""
