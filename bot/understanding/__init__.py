"""Understanding a merchant's message: clean → redact → details → findings → topics. Deterministic, no model weights, milliseconds."""
