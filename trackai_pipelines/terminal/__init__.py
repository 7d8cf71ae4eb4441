"""What every command shares: output, failures, requests to stop, and the database that it works on."""
