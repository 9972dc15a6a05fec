"""Cloud Monitoring: what Google itself counts of YouTube's quota, for whoever has a service account that may read it."""
