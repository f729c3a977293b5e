"""The judgments: one file per metric, `test_<metric>.py`. A judge is pure: it reads evidence and starts nothing."""
