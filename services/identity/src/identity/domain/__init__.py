"""Rules of accounts, passwords, sign-ins and API keys."""
