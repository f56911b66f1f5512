"""Texts about switches, from data alone."""
