"""`make bench`: speed, memory and quality, side by side with what a user would otherwise pick, in one run."""
