"""Fine-tuning on a clip of one's own, without ground truth: a teacher that sees more than a picture, and a pupil."""
