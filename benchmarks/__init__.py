"""What is measured and held to a target: one module per subject, run with `python -m benchmarks.<subject>`."""
