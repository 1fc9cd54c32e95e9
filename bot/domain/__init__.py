"""Pure values: what the bot knows, hears and decides. Standard library only."""
