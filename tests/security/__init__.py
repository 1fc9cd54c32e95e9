"""What must not happen, row by row of the checklist."""
