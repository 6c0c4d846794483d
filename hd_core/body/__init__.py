"""Dense correspondence: which point of the body every pixel of a person shows."""
