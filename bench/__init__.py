"""What the daemon costs: each module measures one claim as a ratio to a named baseline."""
