"""pytest: options, scheduling, collecting; and what happens to a finished run."""
