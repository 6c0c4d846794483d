"""The undressed synthetic adult: skeleton, identities, skinning. Importing this package loads nothing."""
