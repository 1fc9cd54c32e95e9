"""Use cases: take a message in, let the dialogue decide, deliver what it decided. Adapters come in as arguments, typed in `ports`."""
