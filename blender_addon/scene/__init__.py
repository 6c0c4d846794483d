# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the scene: people, their look, camera and pictures, made from a run folder. No operators here."""
