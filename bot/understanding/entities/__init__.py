"""Details of a transaction in a message: one module per kind."""
