"""How good a predictor is, measured on data with ground truth: angles, depths, surfaces, folds and flicker."""
