"""From a typed search to one parameterised SQL statement."""
