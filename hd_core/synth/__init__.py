"""Pictures with known geometry: closed-form shapes, and dressed, moving people."""
