"""How synthetic people look: light, shadows, fabrics, skin, and the lens they are seen through."""
