"""The files in deploy/."""
