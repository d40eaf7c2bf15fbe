"""The risk worker: scores outside of the request, decides by policy, and says why."""
