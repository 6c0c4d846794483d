"""What is worn besides clothes: hair, beards, hats, glasses, shoes, bags, and what they look like."""
