"""A dressed, dancing human figure as a signed distance field, and the room it dances in."""
