"""What operators look at: logs, metrics, health, and a check of everything that must be right before the start."""
