"""Taking over the Celery system's projects: look at each (a plan that changes nothing), then take what the plan says."""
