"""A finished run as a value, and pure functions from it to text. Imports nothing else of the house."""
