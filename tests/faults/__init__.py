"""Processes that are killed, databases that stop, networks that lie: nothing is lost and nothing is doubled."""
