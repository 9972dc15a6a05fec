"""Taking over the Celery system's projects: look at each (a plan that changes nothing), then take what the plan says."""

from jobs.importing.looking import look_at_all
from jobs.importing.plan import Outcome, Plan, Workshop
from jobs.importing.taking import take_over_all

__all__ = ["Outcome", "Plan", "Workshop", "look_at_all", "take_over_all"]
