"""Predictors: what turns a view of a person into depth and normals. Importing this imports none of them."""
