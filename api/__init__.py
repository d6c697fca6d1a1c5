"""The UAPI over HTTP: parse a request, see whether it may, answer it."""
