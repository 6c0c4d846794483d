"""From depth, normals and a matte to triangles that never bridge two surfaces."""
