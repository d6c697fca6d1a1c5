"""Settings of the daemon and what Asterisk needs beside it. Knows nothing of the other floors."""
