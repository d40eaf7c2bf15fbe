"""The reconciler: finds what is stuck or differs, repairs what it may, and gives the rest to a person."""
