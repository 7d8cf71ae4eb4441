"""What every command shares: output, failures, requests to stop, the declarations and the database it works with."""
