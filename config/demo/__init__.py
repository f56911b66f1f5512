"""A month of a payments company in a few minutes, through the front door: `manage.py demo`."""
