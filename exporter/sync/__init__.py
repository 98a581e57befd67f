"""When each source is read, and how its pages become records of the store."""
