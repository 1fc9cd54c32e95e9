"""The knowledge folder: YAML files, their schema, their checks, and the way from there to a `KnowledgeBase`."""
