"""The rules of people and how they are addressed."""
