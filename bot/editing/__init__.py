"""Editors' tools that need the whole engine: what does my change do?"""
