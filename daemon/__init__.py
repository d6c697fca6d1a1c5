"""The PBX, the calls, the events and the store. Runs with no HTTP server in the process."""
