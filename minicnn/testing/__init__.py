"""Checks that cannot be fooled: gradient checks, comparison with the definitions, planted mistakes, a pytest plugin."""
