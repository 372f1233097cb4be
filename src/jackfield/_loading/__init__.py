"""Installed plugins, and plain mappings made into their options."""
