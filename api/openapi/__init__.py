"""The description of the API as OpenAPI 3.1, one module for each resource.

Limits, names and choices are those of the modules that serve them. Nothing here is imported before
the document is asked for, as it would stay in memory.
"""
