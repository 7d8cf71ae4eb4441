"""`trackai doctor`: whether this installation can work, and how to fix it where it cannot."""
