"""Databases: one file for small shops, PostgreSQL for many replicas. Both keep the same promises, and the same suite checks them."""
