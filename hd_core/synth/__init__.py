"""Pictures with known geometry: closed-form shapes, and a dressed dancing figure."""
