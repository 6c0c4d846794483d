"""How synthetic people move: joint limits, dances, motions from files. Importing this package loads nothing."""
