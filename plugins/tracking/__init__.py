"""What we keep in MLflow, and how it is found again: runs, traces, datasets, review queues. Nobody outside this folder
and `plugins/judges.py` imports mlflow, and here it is imported where it is used: it costs three seconds.

`store` opens the place (`options`: for a command); `runs` writes an evaluation, with one trace per app (`traces`,
`assessments`, `spans`); `links` walks between the three levels of traces; `trajectories` brings in generations that
left no trace; `datasets` and `reviews` are what grows out of runs.
"""
