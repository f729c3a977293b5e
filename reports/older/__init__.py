"""Reports of the older framework: read into values, and compared with runs. Only here are metrics named."""
